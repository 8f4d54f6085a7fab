//! `serve mongodb`, `serve s3` or `serve s3-stub`: starts the server of the tests to play with, says
//! how to reach it, and runs until it is interrupted. What was stored is gone then.

use std::process::ExitCode;
use std::thread::park;

use argon_test_servers::stub_s3::StubS3;
use argon_test_servers::{MongoServer, S3Server, Unavailable};

fn main() -> ExitCode {
    let served = match std::env::args().nth(1).as_deref() {
        Some("mongodb") => mongodb(),
        Some("s3") => s3(),
        Some("s3-stub") => s3_stub(),
        _ => {
            eprintln!("usage: serve mongodb|s3|s3-stub");
            return ExitCode::from(2);
        }
    };
    let Err(reason) = served;
    eprintln!("serve: {reason}");
    ExitCode::FAILURE
}

fn mongodb() -> Result<std::convert::Infallible, Unavailable> {
    let server = MongoServer::start()?;
    println!("{}", server.url("argon"));
    run()
}

fn s3() -> Result<std::convert::Infallible, Unavailable> {
    let server = S3Server::start()?;
    server.create_bucket("argon")?;
    println!("{}", server.url("argon", "store"));
    for (name, value) in server.environment() {
        println!("export {name}={value}");
    }
    run()
}

fn s3_stub() -> Result<std::convert::Infallible, Unavailable> {
    let stub = StubS3::start();
    stub.keep_no_log();
    println!("{}", stub.url("store"));
    for (name, value) in S3Server::ENVIRONMENT {
        println!("export {name}={value}");
    }
    run()
}

/// Nothing is left to do at an interrupt: the server ends with this process.
fn run() -> ! {
    loop {
        park();
    }
}
