//! Commits of the group's progress, each of one partition, as librdkafka answers for a request as a whole.
//!
//! **Constraints.** Of one partition, commits are made one after the other. An assignment ends only when no commit under
//! it is on its way any more, so none is made in the name of the next.

use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use weir_core::progress::{Commit, CommitError, Committer};
use weir_kafka::rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use weir_kafka::rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use weir_kafka::rdkafka::{Offset, TopicPartitionList};

use super::group::{Group, MemberContext, Place};

/// Commits for one partition, under one assignment.
pub struct GroupCommitter {
    pub(super) member: Arc<BaseConsumer<MemberContext>>,
    pub(super) group: Arc<Group>,
    pub(super) place: Place,
    pub(super) number: u64,
}

#[async_trait]
impl Committer for GroupCommitter {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        let Self { member, group, place, number } = self;
        // Kept by what is on its way, also when nobody waits for it any more.
        let turn = group.turn(place).lock_owned().await;
        let (member, group, place, number) = (member.clone(), group.clone(), place.clone(), *number);
        let committing = move || {
            let _turn = turn;
            let ended = || CommitError::Fenced("its assignment to this instance has ended".to_owned());
            let _under_way = group.begin_commit(&place, number).ok_or_else(ended)?;
            // librdkafka knows already, and has not told yet.
            if member.assignment_lost() {
                return Err(CommitError::Fenced("the group has put this instance out".to_owned()));
            }
            let list = list(&place, &commit).map_err(|error| sorted(&error))?;
            member.commit(&list, CommitMode::Sync).map_err(|error| sorted(&error))?;
            group.committed(&place, commit.offset.0);
            Ok(())
        };
        let ended = tokio::task::spawn_blocking(committing).await;
        ended.unwrap_or_else(|error| Err(CommitError::Retry(error.into())))
    }
}

fn list(place: &Place, commit: &Commit) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    let mut one = list.add_partition(&place.topic, place.number);
    one.set_offset(Offset::Offset(commit.offset.0.cast_signed()))?;
    one.set_metadata(&commit.metadata);
    Ok(list)
}

fn sorted(error: &KafkaError) -> CommitError {
    match error.rdkafka_error_code() {
        // By these the broker says that the partition may be somebody else's.
        Some(
            code @ (RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::FencedInstanceId
            | RDKafkaErrorCode::StaleMemberEpoch
            | RDKafkaErrorCode::FencedMemberEpoch
            | RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::AssignmentLost),
        ) => CommitError::Fenced(code.to_string()),
        Some(RDKafkaErrorCode::OffsetMetadataTooLarge) => CommitError::Retry(anyhow!(
            "the broker takes less beside an offset than Weir has to say; set its `offset.metadata.max.bytes` to 4096 or more"
        )),
        _ => CommitError::Retry(anyhow!("the group's progress could not be committed: {error}")),
    }
}
