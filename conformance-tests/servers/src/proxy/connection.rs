//! One connection through the proxy: a thread for each direction.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::framing::{Framer, Piece};
use super::{Direction, Fault, GREETINGS, Shared, State, is_of};

/// What happens to one request.
enum Fate {
    Passed,
    Lost,
    AnswerLost,
}

/// Returns when both directions are closed.
pub(super) fn run(shared: &Shared, number: u64, client: TcpStream, upstream: SocketAddr) {
    let Ok(server) = TcpStream::connect(upstream) else { return };
    let Some(kept) = keep(&client, &server) else { return };
    {
        let mut state = shared.lock();
        state.open.insert(number, kept);
        // It may have been closed while this one was made.
        if state.over || state.fault == Fault::Refuse {
            state.close_all();
        }
    }
    let connection = Connection { shared, client, server, lose_answer: AtomicBool::new(false) };
    thread::scope(|scope| {
        scope.spawn(|| connection.to_server());
        connection.to_client();
    });
    shared.lock().open.remove(&number);
}

fn keep(client: &TcpStream, server: &TcpStream) -> Option<[TcpStream; 2]> {
    client.set_nodelay(true).ok()?;
    server.set_nodelay(true).ok()?;
    Some([client.try_clone().ok()?, server.try_clone().ok()?])
}

struct Connection<'a> {
    shared: &'a Shared,
    client: TcpStream,
    server: TcpStream,
    /// The answer that comes next is to be lost.
    lose_answer: AtomicBool,
}

impl Connection<'_> {
    fn to_server(&self) {
        let mut framer = Framer::new();
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = (&self.client).read(&mut buffer) {
            for piece in framer.feed(&buffer[..length]) {
                let goes_on = match piece {
                    Piece::Request(name) => self.request(name),
                    Piece::Bytes(bytes) => self.pass(Direction::ToServer, &bytes),
                };
                if !goes_on {
                    return self.close();
                }
            }
        }
        let _ = self.server.shutdown(Shutdown::Write);
    }

    fn to_client(&self) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = (&self.server).read(&mut buffer) {
            let bytes = &buffer[..length];
            // An invitation to send the body is no answer yet.
            let answer = !bytes.starts_with(b"HTTP/1.1 100");
            if answer && self.lose_answer.load(Ordering::SeqCst) {
                return self.close();
            }
            if !self.pass(Direction::ToClient, bytes) {
                return self.close();
            }
        }
        let _ = self.client.shutdown(Shutdown::Write);
    }

    /// Whether the request may go on to the server.
    fn request(&self, name: String) -> bool {
        if GREETINGS.contains(&name.as_str()) {
            return true;
        }
        let mut state = self.shared.lock();
        let fate = fate(&mut state, &name);
        state.counts.requests.push(name);
        match fate {
            Fate::Passed => {}
            Fate::Lost => state.counts.lost_requests += 1,
            Fate::AnswerLost => {
                state.counts.lost_answers += 1;
                self.lose_answer.store(true, Ordering::SeqCst);
            }
        }
        !matches!(fate, Fate::Lost)
    }

    /// Whether the connection goes on after these bytes.
    fn pass(&self, direction: Direction, bytes: &[u8]) -> bool {
        let stalled = |state: &mut State| state.fault == Fault::Stall && !state.over;
        let mut state = self
            .shared
            .changed
            .wait_while(self.shared.lock(), stalled)
            .unwrap_or_else(PoisonError::into_inner);
        let mut whole = bytes.len() as u64;
        let mut cut = false;
        if let Fault::CutAfter(cut_direction, left) = &mut state.fault
            && *cut_direction == direction
        {
            cut = *left <= whole;
            whole = whole.min(*left);
            *left -= whole;
        }
        if cut {
            state.fault = Fault::Pass;
        }
        let (mut to, count) = match direction {
            Direction::ToServer => (&self.server, &mut state.counts.bytes_to_server),
            Direction::ToClient => (&self.client, &mut state.counts.bytes_to_client),
        };
        *count += whole;
        drop(state);
        let length = usize::try_from(whole).unwrap_or(bytes.len());
        to.write_all(&bytes[..length]).is_ok() && !cut
    }

    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn fate(state: &mut State, name: &str) -> Fate {
    if !is_of(name, &state.kind) {
        return Fate::Passed;
    }
    match &mut state.fault {
        Fault::LoseRequests(left) if *left > 0 => {
            *left -= 1;
            pass_after_the_last(&mut state.fault);
            Fate::Lost
        }
        Fault::LoseAnswers(left) if *left > 0 => {
            *left -= 1;
            pass_after_the_last(&mut state.fault);
            Fate::AnswerLost
        }
        Fault::Random { requests, answers, .. } => {
            let chance = draw(&mut state.random) % 100;
            let (requests, answers) = (u64::from(*requests), u64::from(*answers));
            match chance {
                _ if chance < requests => Fate::Lost,
                _ if chance < requests + answers => Fate::AnswerLost,
                _ => Fate::Passed,
            }
        }
        _ => Fate::Passed,
    }
}

fn pass_after_the_last(fault: &mut Fault) {
    if matches!(fault, Fault::LoseRequests(0) | Fault::LoseAnswers(0)) {
        *fault = Fault::Pass;
    }
}

/// `SplitMix64`.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
