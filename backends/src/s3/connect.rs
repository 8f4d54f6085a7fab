//! The client of the SDK for a store's settings.

use std::time::Duration;

use argon_core::{Error, Result};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Credentials, ProvideCredentials, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::s3::settings::Settings;
use crate::s3::traffic::Meter;

/// The timeout of a connection attempt.
const CONNECT: Duration = Duration::from_secs(5);

/// The default region for servers other than Amazon's, which accept any.
const ANY_REGION: &str = "us-east-1";

/// The machine's configuration for S3, and the client for it.
pub(super) struct Connection {
    pub(super) client: Client,
    config: SdkConfig,
}

impl Connection {
    /// Reads the environment and the profile files; sends no request, unless the region or the
    /// credentials come from the service of a cloud machine.
    ///
    /// The SDK repeats no request: a conditional write whose answer was lost must be resolved first.
    /// Bodies are sent in one piece with their CRC32 in a header and their SHA-256 in the signature,
    /// since some servers refuse checksums after the body. Objects have checksums of Argon's own for
    /// reads.
    ///
    /// `credentials` replace those of the machine.
    pub(super) async fn new(
        settings: &Settings,
        meter: &Meter,
        credentials: Option<&Credentials>,
    ) -> Self {
        let config = machine(settings, credentials).await;
        let mut builder = aws_sdk_s3::config::Builder::from(&config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .interceptor(meter.clone());
        if settings.path_style {
            builder = builder.force_path_style(true);
        }
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.endpoint_url(endpoint);
            if settings.is_plain_http() {
                builder = builder.http_client(Builder::new().build_http());
            }
        }
        Self { client: Client::from_conf(builder.build()), config }
    }

    /// The region, if one is configured.
    pub(super) fn region(&self) -> Option<String> {
        self.config.region().map(|region| region.as_ref().to_owned())
    }

    /// The credentials, from any provider.
    ///
    /// # Errors
    /// `Denied` if no provider has any.
    pub(super) async fn credentials(&self) -> Result<Credentials> {
        let none = || {
            Error::denied(
                "no credentials for S3 were found; set AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE or profile=",
            )
        };
        let provider = self.config.credentials_provider().ok_or_else(none)?;
        provider
            .provide_credentials()
            .await
            .map_err(|source| none().with_source(source.to_string()))
    }
}

async fn machine(settings: &Settings, credentials: Option<&Credentials>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https());
    if let Some(credentials) = credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    } else if settings.endpoint.is_some() {
        // Without the service for machine metadata, which answers on Amazon's machines only.
        let profile = settings.profile.clone();
        let mut files = aws_config::profile::region::Builder::default();
        if let Some(profile) = profile {
            files = files.profile_name(&profile);
        }
        let chain = aws_config::meta::region::RegionProviderChain::first_try(
            aws_config::environment::EnvironmentVariableRegionProvider::new(),
        )
        .or_else(files.build())
        .or_else(Region::new(ANY_REGION));
        loader = loader.region(chain);
    }
    loader.load().await
}

/// Connections by TLS, with the certificates that the system trusts.
fn https() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
