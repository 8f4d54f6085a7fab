//! The AWS SDK.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use bson::raw::RawDocumentBuf;
use tokio::sync::Mutex;

use crate::Result;
use crate::network::RemoteLocation;
use crate::network::raw::Raw;
use crate::random::Random;

/// Objects below a prefix. Their bytes can't be compressed, as those of segments can't.
pub(super) struct S3Driver {
    place: RemoteLocation,
    machine: SdkConfig,
    client: Client,
    written: AtomicU64,
    /// The lengths of which there is an object to be read, of that name.
    readable: Mutex<HashSet<u64>>,
}

impl S3Driver {
    pub(super) async fn connect(place: &RemoteLocation) -> Result<Self> {
        let tls = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(tls);
        if let Some(profile) = place.option("profile") {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = place.option("region") {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let machine = loader.load().await;
        let client = client(place, &machine);
        let (written, readable) = (AtomicU64::new(0), Mutex::default());
        Ok(Self { place: place.clone(), machine, client, written, readable })
    }

    fn key(&self, name: impl std::fmt::Display) -> String {
        format!("{}driver/{name}", self.place.prefix())
    }

    async fn put(&self, name: impl std::fmt::Display, bytes: u64) -> Result<()> {
        let mut random = Random::new(bytes);
        let words = (0..bytes.div_ceil(8)).flat_map(|_| random.number().to_le_bytes());
        let body: Vec<u8> = words.take(usize::try_from(bytes)?).collect();
        let request = self.client.put_object().bucket(self.place.bucket()).key(self.key(name));
        request.body(ByteStream::from(body)).send().await.map_err(said)?;
        Ok(())
    }

    async fn get(&self, client: &Client, bytes: u64) -> Result<()> {
        let mut readable = self.readable.lock().await;
        if readable.insert(bytes) {
            self.put(bytes, bytes).await?;
        }
        drop(readable);
        let request = client.get_object().bucket(self.place.bucket()).key(self.key(bytes));
        let found = request.send().await.map_err(said)?.body.collect().await?.to_vec();
        if found.len() as u64 == bytes { Ok(()) } else { Err("bytes are missing".into()) }
    }
}

#[async_trait]
impl Raw for S3Driver {
    async fn write(&self, _: &[RawDocumentBuf], bytes: u64) -> Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        self.put(format!("written/{number}"), bytes).await
    }

    async fn fill(&self, _: u64) -> Result<()> {
        Ok(())
    }

    async fn read(&self, _: &[u64], bytes: u64) -> Result<()> {
        self.get(&self.client, bytes).await
    }

    async fn scan(&self, _: u64, bytes: u64) -> Result<()> {
        self.get(&self.client, bytes).await
    }

    async fn read_anew(&self, _: u64, bytes: u64) -> Result<()> {
        self.get(&client(&self.place, &self.machine), bytes).await
    }

    async fn remove(&self) -> Result<()> {
        loop {
            let listing = self.client.list_objects_v2().bucket(self.place.bucket());
            let listed = listing.prefix(self.place.prefix()).send().await.map_err(said)?;
            for key in listed.contents().iter().filter_map(|object| object.key()) {
                let request = self.client.delete_object().bucket(self.place.bucket());
                request.key(key).send().await.map_err(said)?;
            }
            if listed.is_truncated() != Some(true) {
                return Ok(());
            }
        }
    }
}

/// A client like the store's own (`backends/src/s3/connect.rs`), without connections yet.
fn client(place: &RemoteLocation, machine: &SdkConfig) -> Client {
    let mut builder = aws_sdk_s3::config::Builder::from(machine)
        .retry_config(RetryConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(place.option("path_style") == Some("true"));
    if let Some(endpoint) = place.option("endpoint") {
        builder = builder.endpoint_url(endpoint);
        if endpoint.starts_with("http://") {
            builder = builder.http_client(Builder::new().build_http());
        }
    }
    Client::from_conf(builder.build())
}

/// What the server said; the SDK's errors keep it to themselves.
fn said<E: std::error::Error + Send + Sync + 'static>(
    error: aws_sdk_s3::error::SdkError<E>,
) -> String {
    aws_sdk_s3::error::DisplayErrorContext(error).to_string()
}
