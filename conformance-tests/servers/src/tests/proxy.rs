//! The proxy's faults, before a server that says how many requests it got.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::{Direction, Fault, FaultProxy};

const REQUEST: &[u8] = b"PUT /key HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A proxy before a server that answers every `REQUEST`, and the number of those that it got.
fn proxied() -> (FaultProxy, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = FaultProxy::start(listener.local_addr().unwrap()).unwrap();
    let arrived = Arc::new(AtomicUsize::new(0));
    let counter = arrived.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, counter) = (client.unwrap(), counter.clone());
            thread::spawn(move || {
                let mut request = [0; REQUEST.len()];
                while client.read_exact(&mut request).is_ok() {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let _ = client.write_all(ANSWER);
                }
            });
        }
    });
    (proxy, arrived)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Whether the request on this connection was answered.
fn ask(mut stream: &TcpStream) -> Result<()> {
    stream.write_all(REQUEST)?;
    let mut answer = [0; ANSWER.len()];
    stream.read_exact(&mut answer)
}

#[test]
fn requests_and_bytes_are_counted_on_a_connection_that_stays() {
    let (proxy, arrived) = proxied();
    let stream = connect(proxy.addr());
    for _ in 0..3 {
        ask(&stream).unwrap();
    }
    ask(&connect(proxy.addr())).unwrap();
    let counts = proxy.counts();
    assert_eq!((counts.of("PUT"), counts.of("PUT /key"), counts.of("GET")), (4, 4, 0));
    assert_eq!((counts.of(""), counts.connections, arrived.load(Ordering::SeqCst)), (4, 2, 4));
    let bytes = (counts.bytes_to_server, counts.bytes_to_client);
    assert_eq!(bytes, (4 * REQUEST.len() as u64, 4 * ANSWER.len() as u64));
    proxy.reset();
    assert_eq!(proxy.counts().of(""), 0);
}

#[test]
fn a_lost_request_does_not_arrive_and_a_lost_answer_does() {
    let (proxy, arrived) = proxied();
    for (fault, arrivals) in [(Fault::LoseRequests(2), 0), (Fault::LoseAnswers(2), 2)] {
        arrived.store(0, Ordering::SeqCst);
        let before = connect(proxy.addr());
        proxy.set(fault);
        ask(&before).unwrap_err();
        ask(&connect(proxy.addr())).unwrap_err();
        assert_eq!(proxy.fault(), Fault::Pass);
        assert_eq!(arrived.load(Ordering::SeqCst), arrivals);
        ask(&connect(proxy.addr())).unwrap();
    }
    let counts = proxy.counts();
    assert_eq!((counts.of(""), counts.lost_requests, counts.lost_answers), (6, 2, 2));
}

#[test]
fn a_fault_of_another_kind_of_request_does_not_befall_it() {
    let (proxy, _) = proxied();
    proxy.set_for("PUT /other", Fault::LoseRequests(1));
    ask(&connect(proxy.addr())).unwrap();
    proxy.set_for("PUT /ke", Fault::LoseRequests(1));
    ask(&connect(proxy.addr())).unwrap_err();
}

#[test]
fn a_proxy_that_refuses_is_as_a_server_that_is_down() {
    let (proxy, _) = proxied();
    let before = connect(proxy.addr());
    ask(&before).unwrap();
    for _ in 0..20 {
        proxy.set(Fault::Refuse);
        ask(&before).unwrap_err();
        let refused = TcpStream::connect(proxy.addr()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        proxy.set(Fault::Pass);
        ask(&connect(proxy.addr())).unwrap();
    }
    assert_eq!(proxy.counts().connections, 21);
    proxy.set(Fault::Refuse);
    drop(proxy);
}

#[test]
fn what_is_stalled_goes_on_later() {
    let (proxy, arrived) = proxied();
    let stream = connect(proxy.addr());
    proxy.set(Fault::Stall);
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(ask(&stream).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(arrived.load(Ordering::SeqCst), 0);
    proxy.set(Fault::Pass);
    stream.set_read_timeout(None).unwrap();
    (&stream).read_exact(&mut [0; ANSWER.len()]).unwrap();
    assert_eq!(arrived.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_is_cut_after_so_many_bytes() {
    for cut in [0, 1, 7, ANSWER.len() - 1] {
        let (proxy, arrived) = proxied();
        proxy.set(Fault::CutAfter(Direction::ToClient, (ANSWER.len() + cut) as u64));
        let mut stream = connect(proxy.addr());
        ask(&stream).unwrap();
        if cut > 0 {
            stream.write_all(REQUEST).unwrap();
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(rest, &ANSWER[..cut]);
        assert_eq!(arrived.load(Ordering::SeqCst), 1 + usize::from(cut > 0));
        assert_eq!(proxy.fault(), Fault::Pass);
    }
    let (proxy, arrived) = proxied();
    proxy.set(Fault::CutAfter(Direction::ToServer, REQUEST.len() as u64 - 1));
    ask(&connect(proxy.addr())).unwrap_err();
    assert_eq!(arrived.load(Ordering::SeqCst), 0);
}

#[test]
fn a_seed_gives_the_same_losses_again() {
    let losses = |seed| {
        let (proxy, arrived) = proxied();
        proxy.set(Fault::Random { seed, requests: 20, answers: 30 });
        let outcomes: Vec<_> = (0..200).map(|_| ask(&connect(proxy.addr())).is_ok()).collect();
        let counts = proxy.counts();
        let lost = counts.lost_requests + counts.lost_answers;
        assert_eq!(lost, outcomes.iter().filter(|answered| !**answered).count() as u64);
        assert_eq!(arrived.load(Ordering::SeqCst) as u64, 200 - counts.lost_requests);
        assert!((20..70).contains(&counts.lost_requests), "{counts:?}");
        assert!((35..90).contains(&counts.lost_answers), "{counts:?}");
        outcomes
    };
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
}
