//! What is asked of a log holds of Kafka's partitions, as far as it can.

use weir_core::event::Offset;
use weir_core::log::{EventLog, LogError, Partition};

use super::node::Node;
use super::{ALL, Instance, SUITE};

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_not_here_cannot_be_read() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    let instance = Instance::join(&node, &["t"]);
    let stranger = Partition::of_topic("kafka", "bus", "t", 7);
    assert!(matches!(instance.log.read(&stranger, Offset(0), ALL).await, Err(LogError::Closed)));
    assert!(matches!(instance.log.wait(&stranger, Offset(0)).await, Err(LogError::Closed)));
    let (seat, _) = instance.assigned().await;
    let waiting = instance.log.wait(&seat.partition, Offset(0));
    let leaving = async {
        instance.membership.close().await;
        instance.membership.forget(&seat.partition);
    };
    let (waited, ()) = futures::future::join(waiting, leaving).await;
    assert!(matches!(waited, Err(LogError::Closed)), "{waited:?}");
}
