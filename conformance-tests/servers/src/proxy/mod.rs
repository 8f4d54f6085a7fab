//! A TCP proxy on loopback that counts the requests of MongoDB's protocol and of HTTP/1.1, and
//! loses those that it is told to lose.

mod connection;
mod framing;

use std::collections::HashMap;
use std::io::Result;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

/// The greetings by which a driver watches its server; no user's request.
const GREETINGS: [&str; 3] = ["hello", "isMaster", "ismaster"];

/// What befalls the connections from now on. When a fault has befallen as often as it says, it is
/// [`Pass`](Self::Pass) again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None.
    Pass,
    /// The server is down: connections are closed, and new ones refused.
    Refuse,
    /// Nothing goes through in either direction; it does later, when the fault is another.
    Stall,
    /// The next so many requests don't reach the server; their connections close.
    LoseRequests(u64),
    /// The next so many requests reach the server, and their connections close when it answers.
    LoseAnswers(u64),
    /// The connection that carries this many more bytes (of all connections) closes after them.
    CutAfter(Direction, u64),
    /// Every request is lost, or its answer, with these chances in a hundred. The same seed gives
    /// the same losses to the same sequence of requests.
    Random {
        /// Where the sequence of losses begins.
        seed: u64,
        /// How many of a hundred requests don't reach the server.
        requests: u8,
        /// How many of a hundred answers don't come back.
        answers: u8,
    },
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// To the client.
    ToClient,
}

/// What went through since the start, or the last [`FaultProxy::reset`]. A request is counted when
/// its head is whole, before the server gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were let in.
    pub connections: u64,
    /// The requests, in order, those lost among them: `PUT /bucket/key` of HTTP, `insert` of
    /// MongoDB. A driver's greetings (`hello`) are none.
    pub requests: Vec<String>,
    /// How many requests the server didn't get.
    pub lost_requests: u64,
    /// How many answers the client didn't get.
    pub lost_answers: u64,
    /// Bytes that the server got.
    pub bytes_to_server: u64,
    /// Bytes that the client got.
    pub bytes_to_client: u64,
}

impl Counts {
    /// How many requests were of this kind: a command of MongoDB, or the begin of HTTP's
    /// `METHOD /path`. The empty kind is all.
    pub fn of(&self, kind: &str) -> usize {
        self.requests.iter().filter(|request| is_of(request, kind)).count()
    }
}

fn is_of(request: &str, kind: &str) -> bool {
    // `find` is not `findAndModify`, but `PUT` is `PUT /bucket`.
    kind.is_empty() || request == kind || request.contains(' ') && request.starts_with(kind)
}

/// The proxy. Connections and listener close when it is dropped. Its methods may be called from
/// anywhere; none of them waits for a client or a server.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Listens on a free port of loopback, and passes all on to `upstream`. While that refuses
    /// connections, they are let in here and closed.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let acceptor = thread::spawn({
            let shared = shared.clone();
            move || shared.accept(listener, address, upstream)
        });
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// From now on `fault` befalls all.
    pub fn set(&self, fault: Fault) {
        self.set_for("", fault);
    }

    /// From now on `fault` befalls the requests of a kind (see [`Counts::of`]). A fault that is not
    /// of requests befalls all.
    pub fn set_for(&self, kind: &str, fault: Fault) {
        let mut state = self.shared.lock();
        state.fault = fault;
        kind.clone_into(&mut state.kind);
        if let Fault::Random { seed, .. } = fault {
            state.random = seed;
        }
        self.shared.changed.notify_all();
        if fault == Fault::Refuse {
            state.close_all();
            self.wake(&state);
        }
        let waiting = |state: &mut State| state.refusing != (state.fault == Fault::Refuse);
        drop(self.shared.changed.wait_while(state, waiting));
    }

    /// What is in force; [`Fault::Pass`] when all that was to be lost is lost.
    pub fn fault(&self) -> Fault {
        self.shared.lock().fault
    }

    /// What went through.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts.clone()
    }

    /// Counts from zero.
    pub fn reset(&self) {
        self.shared.lock().counts = Counts::default();
    }

    /// Lets a listener that waits for a client look at the state.
    fn wake(&self, state: &State) {
        if !state.refusing {
            drop(TcpStream::connect(self.address));
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.over = true;
        state.close_all();
        self.shared.changed.notify_all();
        self.wake(&state);
        drop(state);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    fault: Fault,
    kind: String,
    random: u64,
    counts: Counts,
    open: HashMap<u64, [TcpStream; 2]>,
    /// Whether the listener is closed; it follows `fault`.
    refusing: bool,
    over: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            fault: Fault::Pass,
            kind: String::new(),
            random: 0,
            counts: Counts::default(),
            open: HashMap::new(),
            refusing: false,
            over: false,
        }
    }
}

impl State {
    fn close_all(&mut self) {
        for stream in self.open.drain().flat_map(|(_, streams)| streams) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: TcpListener, address: SocketAddr, upstream: SocketAddr) {
        let mut listener = Some(listener);
        for number in 0.. {
            let client = match &listener {
                Some(listener) => listener.accept(),
                // The port was taken while it was refused; wait until it is free.
                None if self.lock().over => return,
                None => {
                    sleep(Duration::from_millis(10));
                    listener = TcpListener::bind(address).ok();
                    continue;
                }
            };
            let mut state = self.lock();
            if state.fault == Fault::Refuse {
                drop((client, listener.take()));
                state = self.refuse(state);
                listener = TcpListener::bind(address).ok();
                state.refusing = false;
                self.changed.notify_all();
            } else if let Ok((client, _)) = client
                && !state.over
            {
                state.counts.connections += 1;
                let shared = self.clone();
                thread::spawn(move || connection::run(&shared, number, client, upstream));
            }
            if state.over {
                return;
            }
        }
    }

    /// Says that the listener is closed, and waits until it shall listen again.
    fn refuse<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.refusing = true;
        self.changed.notify_all();
        let refused = |state: &mut State| state.fault == Fault::Refuse && !state.over;
        self.changed.wait_while(state, refused).unwrap_or_else(PoisonError::into_inner)
    }
}
