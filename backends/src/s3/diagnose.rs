//! The diagnosis of a store in S3, step by step.

use argon_core::storage::{CacheOptions, Diagnosis, Health, OpenOptions, StoreUrl};
use argon_core::{Environment, Error, ErrorKind, Hint, Result};
use bytes::Bytes;

use crate::s3::bucket::{Bucket, Wanted};
use crate::s3::cache;
use crate::s3::condition::PutCondition;
use crate::s3::connect::Connection;
use crate::s3::factory::Opener;
use crate::s3::identity::{self, FORMAT, Identity};
use crate::s3::names;
use crate::s3::probe::probe;
use crate::s3::races::race;
use crate::s3::settings::Settings;
use crate::s3::traffic::Meter;

/// The seconds by which a clock may be off: Amazon refuses requests from 15 minutes on.
const DOUBTFUL_SKEW: i64 = 60;
const MOST_SKEW: i64 = 15 * 60;

/// The check of conditions by one writer. Writers race only if it passes.
const CONDITIONS: &str = "conditional writes";

/// Runs all checks, up to one whose failure makes the next ones useless.
pub(super) async fn diagnose(
    opener: &Opener,
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Err(stopped) = look(opener, url, options, environment, &mut found).await {
        found.push(stopped);
    }
    if let Some(cache) = &options.cache {
        found.push(look_at_cache(cache).await);
    }
    found
}

/// `Err` is the failure that stops the checks.
async fn look(
    opener: &Opener,
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
    found: &mut Vec<Diagnosis>,
) -> Result<(), Diagnosis> {
    let settings = Settings::parse(url).map_err(|error| Diagnosis::failed("URL", &error, None))?;
    found.push(Diagnosis::good("URL", settings.to_string()));
    let meter = Meter::default();
    let connection = Connection::new(&settings, &meter, opener.credentials.as_ref()).await;
    let region = connection.region().ok_or_else(|| {
        let error = Error::invalid("no region is known");
        let remedy = "add region=… to the URL, or set AWS_REGION";
        Diagnosis::failed("region", &error, Some(remedy.into()))
    })?;
    found.push(Diagnosis::good("region", region));
    let credentials = connection.credentials().await;
    let credentials =
        credentials.map_err(|error| Diagnosis::failed("credentials", &error, None))?;
    found.push(Diagnosis::good("credentials", source_of(&credentials)));
    let mut bucket = Bucket::new(connection.client, settings, meter, environment);
    bucket.patience = options.lock_timeout;
    look_at_bucket(&bucket, found).await
}

/// The source of the credentials, without any part of them.
fn source_of(credentials: &aws_sdk_s3::config::Credentials) -> String {
    // Only the debug form has the provider's name; it omits the secrets.
    let shown = format!("{credentials:?}");
    let provider = shown.split("provider_name: \"").nth(1).and_then(|rest| rest.split('"').next());
    format!("found by the provider {}", provider.unwrap_or("that was configured"))
}

async fn look_at_bucket(bucket: &Bucket, found: &mut Vec<Diagnosis>) -> Result<(), Diagnosis> {
    let listed = bucket.list("", None, 1).await;
    let skew = skew(bucket);
    let listed = listed.map_err(|error| {
        let denied = error.kind() == ErrorKind::Denied;
        Diagnosis::failed("bucket", &error, denied.then(|| policy(bucket).into()))
    });
    match (listed, skew) {
        (Ok(_), skew) => {
            found.push(Diagnosis::good("bucket", format!("{} answers", bucket.settings.bucket)));
            found.extend(skew);
        }
        (Err(failed), skew) => {
            found.extend(skew);
            return Err(failed);
        }
    }
    found.push(look_at_store(bucket).await);
    look_at_rights(bucket, found).await;
    Ok(())
}

/// The difference of the clocks, if an answer of the server had a date.
fn skew(bucket: &Bucket) -> Option<Diagnosis> {
    let server = bucket.meter.server_time()?;
    let skew = bucket.environment.clock_time().timestamp_millis() / 1000 - server;
    let found = format!("this machine's clock is {skew} s ahead of the server's");
    let remedy = "set the clock, for example by NTP";
    Some(match skew.abs() {
        0..=DOUBTFUL_SKEW => Diagnosis::good("clock", "agrees with the server's"),
        off if off <= MOST_SKEW => Diagnosis::doubtful("clock", found, remedy),
        _ => Diagnosis::failed("clock", &Error::invalid(found), Some(remedy.into())),
    })
}

async fn look_at_store(bucket: &Bucket) -> Diagnosis {
    match identity::read(bucket).await.and_then(|stored| Identity::decode(&stored.bytes)) {
        Ok(Identity { id, .. }) => {
            Diagnosis::good("store", format!("is there; format {FORMAT}, identity {id}"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Diagnosis::doubtful("store", error.to_string(), Hint::CreateStore { url: None })
        }
        Err(error) => Diagnosis::failed("store", &error, None),
    }
}

/// Writes an object of its own, reads it, and removes it.
async fn look_at_rights(bucket: &Bucket, found: &mut Vec<Diagnosis>) {
    let random: [u8; 8] = bucket.environment.random();
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{}{hex}", names::DOCTOR);
    let content = Bytes::from_static(b"written by a diagnosis");
    let failed = |check: &str, error: &Error| {
        let denied = error.kind() == ErrorKind::Denied;
        Diagnosis::failed(check, error, denied.then(|| policy(bucket).into()))
    };
    let absent = Some(PutCondition::Absent);
    let written = bucket.put_once(&bucket.request("put", &name), &name, &content, absent).await;
    if let Err(failure) = &written {
        found.push(failed("right to write", &failure.error));
        return;
    }
    found.push(Diagnosis::good("right to write", "objects can be written"));
    found.push(match bucket.get(&name, Wanted::Whole(0)).await {
        Ok(Some(object)) if object.bytes == content => Diagnosis::good(
            "right to read",
            "objects can be read, with the content that was just written",
        ),
        Ok(_) => failed(
            "right to read",
            &Error::corrupt("an object has another content than was written"),
        ),
        Err(error) => failed("right to read", &error),
    });
    found.push(match probe(bucket, &name, &content).await {
        Ok(_) => Diagnosis::good(CONDITIONS, "the server keeps If-None-Match and If-Match"),
        Err(error) => failed(CONDITIONS, &error),
    });
    if let Err(error) = bucket.delete(&name).await {
        found.push(failed("right to remove", &error));
        return;
    }
    found.push(Diagnosis::good("right to remove", "objects can be removed"));
    if found
        .iter()
        .any(|diagnosis| diagnosis.check == CONDITIONS && diagnosis.health == Health::Good)
    {
        found.push(look_at_races(bucket, &name).await);
    }
}

/// docs/S3.md describes the servers on which two writers won.
async fn look_at_races(bucket: &Bucket, name: &str) -> Diagnosis {
    const CHECK: &str = "writers at once";
    match race(bucket, name).await.and_then(|results| results.summary()) {
        Ok(held) => Diagnosis::good(CHECK, held),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let remedy = "keep the store on a server that guards conditions against concurrent \
                          writers; docs/S3.md lists how servers behave";
            Diagnosis::failed(CHECK, &error, Some(remedy.into()))
        }
        Err(error) => Diagnosis::doubtful(
            CHECK,
            format!("could not be tested: {}", error.in_full()),
            "try again",
        ),
    }
}

/// The policy that grants the rights.
fn policy(bucket: &Bucket) -> String {
    let name = &bucket.settings.bucket;
    let prefix = &bucket.settings.prefix;
    format!(
        "add to the policy: {{\"Effect\":\"Allow\",\"Action\":[\"s3:ListBucket\",\
         \"s3:ListBucketMultipartUploads\"],\"Resource\":\"arn:aws:s3:::{name}\"}},\
         {{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\",\"s3:DeleteObject\",\
         \"s3:AbortMultipartUpload\"],\"Resource\":\"arn:aws:s3:::{name}/{prefix}*\"}}"
    )
}

async fn look_at_cache(options: &CacheOptions) -> Diagnosis {
    let options = options.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let directory = options.directory.display().to_string();
        match cache::check(&options.directory) {
            Ok(bytes) => Diagnosis::good(
                "cache",
                format!("{directory} has {bytes} of at most {} bytes", options.most_bytes),
            ),
            Err(error) => Diagnosis::doubtful(
                "cache",
                format!("{directory} can't be used: {error}"),
                "name a directory that can be written, or none",
            ),
        }
    });
    looked.await.unwrap_or_else(|_| Diagnosis::doubtful("cache", "could not be read", "try again"))
}
