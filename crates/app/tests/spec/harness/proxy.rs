//! A proxy that breaks what passes through it, as told from moment to moment.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

use super::message::Message;

const IO_LIMIT: Duration = Duration::from_secs(120);

/// What happens to a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fault {
    /// It is passed on, and so is the answer.
    #[default]
    None,
    /// The connection is closed at once.
    Refuse,
    /// The connection is closed in the middle of the request's body; the server sees half of it.
    CutRequest,
    /// It is passed on and carried out, but the client never hears of it.
    DropAnswer,
    /// The connection is closed in the middle of the answer.
    CutAnswer,
    /// It is passed on after so long.
    Delay(Duration),
    /// It is passed on at this rate.
    Throttle { bytes_per_second: usize },
    /// It is never passed on; this is the answer, with `Retry-After` where seconds are given.
    Answer { status: u16, retry_after_seconds: Option<u32> },
}

impl Fault {
    /// All that a bad network and a busy server do.
    pub fn of_a_bad_day() -> [Self; 8] {
        let refused = |status| Self::Answer { status, retry_after_seconds: Some(1) };
        [
            Self::Refuse,
            Self::CutRequest,
            Self::DropAnswer,
            Self::CutAnswer,
            Self::Delay(Duration::from_secs(3)),
            Self::Throttle { bytes_per_second: 20_000 },
            refused(429),
            refused(503),
        ]
    }
}

/// Stands before a server on a port of its own.
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream_port: u16,
    faults: Mutex<Vec<Fault>>,
    requests: AtomicUsize,
    broken: AtomicUsize,
    stop: AtomicBool,
}

impl FaultProxy {
    /// Passes everything on to this port of 127.0.0.1, for now.
    pub fn before(upstream_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream_port,
            faults: Mutex::new(vec![Fault::None]),
            requests: AtomicUsize::new(0),
            broken: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        spawn(move || accept(&listener, &accepting));
        Self { port, shared }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on every request fares so.
    pub fn set(&self, fault: Fault) {
        self.alternate(vec![fault]);
    }

    /// From now on requests fare so in turn.
    pub fn alternate(&self, faults: Vec<Fault>) {
        assert!(!faults.is_empty());
        *self.shared.faults.lock().unwrap() = faults;
    }

    /// Every other request fares so, by each of the faults for a second; then all is well again.
    pub fn go_through(&self, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            self.alternate(vec![fault, Fault::None]);
            sleep(Duration::from_secs(1));
        }
        self.set(Fault::None);
    }

    /// How many requests met a fault that kept them from their answer.
    pub fn broken(&self) -> usize {
        self.shared.broken.load(Ordering::Relaxed)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, so that it sees.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let Ok(client) = client else { continue };
        let shared = Arc::clone(shared);
        // A connection that ends in an error has ended, which is what the proxy is for.
        spawn(move || drop(shared.serve(client)));
    }
}

impl Shared {
    fn next_fault(&self) -> Fault {
        let faults = self.faults.lock().unwrap();
        let fault = faults[self.requests.fetch_add(1, Ordering::Relaxed) % faults.len()].clone();
        if !matches!(fault, Fault::None | Fault::Delay(_) | Fault::Throttle { .. }) {
            self.broken.fetch_add(1, Ordering::Relaxed);
        }
        fault
    }

    /// One client's connection: request after request, until either side or a fault ends it.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(IO_LIMIT))?;
        client.set_nodelay(true)?;
        let mut upstream = None;
        while let Some(request) = Message::read_request(&mut client)? {
            let fault = self.next_fault();
            if let Fault::Answer { status, retry_after_seconds } = fault {
                client.write_all(refusal(status, retry_after_seconds).as_bytes())?;
                continue;
            }
            if fault == Fault::Refuse {
                return client.shutdown(Shutdown::Both);
            }
            if let Fault::Delay(time) = fault {
                sleep(time);
            }
            let server = match &mut upstream {
                Some(server) => server,
                none => none.insert(self.connect()?),
            };
            if !pass_request(&request, server, &fault)? {
                return client.shutdown(Shutdown::Both);
            }
            let answer = Message::read_answer(server, request.is_head())?;
            if !pass_answer(&answer, &mut client, &fault)? {
                return client.shutdown(Shutdown::Both);
            }
        }
        Ok(())
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let server = TcpStream::connect(("127.0.0.1", self.upstream_port))?;
        server.set_read_timeout(Some(IO_LIMIT))?;
        server.set_nodelay(true)?;
        Ok(server)
    }
}

/// Whether the request is with the server, whole.
fn pass_request(request: &Message, server: &mut TcpStream, fault: &Fault) -> io::Result<bool> {
    server.write_all(&request.head)?;
    match fault {
        Fault::CutRequest => {
            server.write_all(&request.body[..request.body.len() / 2])?;
            server.shutdown(Shutdown::Both)?;
            return Ok(false);
        }
        Fault::Throttle { bytes_per_second } => {
            let step = (bytes_per_second / 20).max(1);
            for part in request.body.chunks(step) {
                server.write_all(part)?;
                sleep(Duration::from_millis(50));
            }
        }
        _ => server.write_all(&request.body)?,
    }
    Ok(true)
}

/// Whether the answer is with the client, whole.
fn pass_answer(answer: &Message, client: &mut TcpStream, fault: &Fault) -> io::Result<bool> {
    match fault {
        Fault::DropAnswer => return Ok(false),
        Fault::CutAnswer => {
            client.write_all(&answer.head)?;
            client.write_all(&answer.body[..answer.body.len() / 2])?;
            return Ok(false);
        }
        _ => {
            client.write_all(&answer.head)?;
            client.write_all(&answer.body)?;
        }
    }
    Ok(true)
}

fn refusal(status: u16, retry_after_seconds: Option<u32>) -> String {
    let retry_after =
        retry_after_seconds.map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
    let body = r#"{"error":"by order of the test"}"#;
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{retry_after}\r\n{body}"
    )
}
