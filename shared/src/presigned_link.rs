//! Links with which somebody gets or writes one object of a private bucket, for some minutes, without our functions in between:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
//!
//! Signing is local work, so that a function needs no client of S3, which would be a third of its code. A link has the
//! permissions of the function that signed it, and ends with the credentials of that function at the latest.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_ssm::config::{Credentials, ProvideCredentials};
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::presigned_form::address;

/// How long a file can be got by a function that waits for it, or changed.
const TO_GET: Duration = Duration::from_mins(5);
/// How long a browser can begin to save a file, to which it is sent at once. Each save costs its transfer.
const TO_SAVE: Duration = Duration::from_mins(1);
/// How long a file can be written.
const TO_PUT: Duration = Duration::from_mins(10);

/// The characters that S3 does not encode.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An object. Its key has letters, digits, hyphens, dots and slashes only.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
}

/// How a browser treats a file.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    pub content_type: &'a str,
    /// The name under which it is saved: letters, digits, hyphens and dots.
    pub file_name: &'a str,
}

/// The link to get an object. The function needs `s3:GetObject`.
///
/// # Errors
/// The environment has no region or no credentials.
pub async fn get(sdk: &SdkConfig, object: Object<'_>) -> anyhow::Result<String> {
    link(sdk, object, &Link { method: "GET", parameters: &[], headers: &[], lifetime: TO_GET }).await
}

/// The link with which a browser saves an object, or asks for its headers: S3 refuses `HEAD` with the signature of `GET`. The
/// function needs `s3:GetObject`.
///
/// # Errors
/// The environment has no region or no credentials.
pub async fn download(
    sdk: &SdkConfig,
    object: Object<'_>,
    download: &Download<'_>,
    is_head: bool,
) -> anyhow::Result<String> {
    let disposition = format!("attachment; filename=\"{}\"", download.file_name);
    let parameters =
        [("response-content-disposition", disposition.as_str()), ("response-content-type", download.content_type)];
    let method = if is_head { "HEAD" } else { "GET" };
    link(sdk, object, &Link { method, parameters: &parameters, headers: &[], lifetime: TO_SAVE }).await
}

/// The link to write an object with `PUT` as a copy of another one of the bucket, and the header that the request must have. The
/// function needs `s3:GetObject` for that one, and `s3:PutObject`.
///
/// # Errors
/// The environment has no region or no credentials.
pub async fn copy(
    sdk: &SdkConfig,
    object: Object<'_>,
    source: &str,
) -> anyhow::Result<(String, (&'static str, String))> {
    let header = ("x-amz-copy-source", format!("{}/{source}", object.bucket));
    let signed = [header.clone()];
    let link = link(sdk, object, &Link { method: "PUT", parameters: &[], headers: &signed, lifetime: TO_GET }).await?;
    Ok((link, header))
}

/// The link to remove an object with `DELETE`. The function needs `s3:DeleteObject`.
///
/// # Errors
/// The environment has no region or no credentials.
pub async fn remove(sdk: &SdkConfig, object: Object<'_>) -> anyhow::Result<String> {
    link(sdk, object, &Link { method: "DELETE", parameters: &[], headers: &[], lifetime: TO_GET }).await
}

/// The code of an error in an answer of S3: `AccessDenied`.
pub fn error_code(body: &[u8]) -> Option<&str> {
    let body = std::str::from_utf8(body).ok()?;
    let (code, _) = body.split_once("<Code>")?.1.split_once("</Code>")?;
    Some(code)
}

/// The link to write an object of this many bytes with `PUT`. The function needs `s3:PutObject`.
///
/// # Errors
/// The environment has no region or no credentials.
pub async fn put(sdk: &SdkConfig, object: Object<'_>, bytes: u64) -> anyhow::Result<String> {
    let headers = [("content-length", bytes.to_string())];
    link(sdk, object, &Link { method: "PUT", parameters: &[], headers: &headers, lifetime: TO_PUT }).await
}

/// The request to sign.
struct Link<'a> {
    method: &'a str,
    parameters: &'a [(&'a str, &'a str)],
    /// Headers that the request must have as they are here.
    headers: &'a [(&'a str, String)],
    lifetime: Duration,
}

async fn link(sdk: &SdkConfig, object: Object<'_>, link: &Link<'_>) -> anyhow::Result<String> {
    let provider = sdk.credentials_provider().context("there are no credentials")?;
    let credentials = provider.provide_credentials().await.context("reading the credentials")?;
    let region = sdk.region().context("there is no region")?.as_ref();
    let bucket = address(object.bucket, region, sdk.endpoint_url());
    let mark = if link.parameters.is_empty() { "" } else { "?" };
    let parameters = query(link.parameters.iter().copied());
    let url = format!("{}/{}{mark}{parameters}", bucket.trim_end_matches('/'), object.key);
    signed(&url, link, credentials, region, SystemTime::now())
}

fn query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encoded = |text| utf8_percent_encode(text, QUERY);
    let pairs = parameters.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The address with a signature behind its parameters.
fn signed(
    url: &str,
    link: &Link<'_>,
    credentials: Credentials,
    region: &str,
    now: SystemTime,
) -> anyhow::Result<String> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(link.lifetime);
    // S3 differs in these from all other services.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let identity = credentials.into();
    let params = SigningParams::builder().identity(&identity).region(region).name("s3").time(now).settings(settings);
    let params = params.build().context("signing a link")?.into();
    let headers = link.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let request = SignableRequest::new(link.method, url, headers, SignableBody::UnsignedPayload)?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    let signature = query(instructions.params().iter().map(|(name, value)| (*name, value.as_ref())));
    Ok(format!("{url}{}{signature}", if url.contains('?') { '&' } else { '?' }))
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_sdk_ssm::config::SharedCredentialsProvider;
    use time::macros::datetime;

    use super::*;

    fn credentials(token: Option<&str>) -> Credentials {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, token.map(str::to_owned), None, "test")
    }

    #[test]
    fn the_link_of_the_documented_example_is_the_documented_one() {
        let now = datetime!(2013-05-24 00:00 UTC).into();
        let day = Duration::from_hours(24);
        let link = Link { method: "GET", parameters: &[], headers: &[], lifetime: day };
        let url = "https://examplebucket.s3.amazonaws.com/test.txt";
        let link = signed(url, &link, credentials(None), "us-east-1", now).unwrap();
        let (address, query) = link.split_once('?').unwrap();
        assert_eq!(address, "https://examplebucket.s3.amazonaws.com/test.txt");
        for part in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request",
            "X-Amz-Date=20130524T000000Z",
            "X-Amz-Expires=86400",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        ] {
            assert!(query.split('&').any(|pair| pair == part), "{part}: {query}");
        }
    }

    fn sdk(endpoint: Option<&str>) -> SdkConfig {
        let provider = SharedCredentialsProvider::new(credentials(Some("a token/of=it")));
        let mut sdk = SdkConfig::builder().region(Region::new("eu-south-2")).credentials_provider(provider);
        sdk.set_endpoint_url(endpoint.map(str::to_owned));
        sdk.build()
    }

    #[tokio::test]
    async fn a_browser_saves_the_file_under_its_name_within_a_minute() {
        let object = Object { bucket: "files", key: "samples/0a1b.pdf" };
        let how = Download { content_type: "application/pdf", file_name: "53-el-tunel.pdf" };
        for (endpoint, beginning) in [
            (None, "https://files.s3.eu-south-2.amazonaws.com/samples/0a1b.pdf?"),
            (Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566/files/samples/0a1b.pdf?"),
        ] {
            let link = download(&sdk(endpoint), object, &how, false).await.unwrap();
            assert!(link.starts_with(beginning), "{link}");
            for part in [
                "response-content-disposition=attachment%3B%20filename%3D%2253-el-tunel.pdf%22",
                "response-content-type=application%2Fpdf",
                "X-Amz-Expires=60",
                "X-Amz-SignedHeaders=host",
                "X-Amz-Security-Token=a%20token%2Fof%3Dit",
            ] {
                assert!(link.contains(part), "{part}: {link}");
            }
            let head = download(&sdk(endpoint), object, &how, true).await.unwrap();
            assert_ne!(signature(&head), signature(&link), "S3 compares the method");
        }
    }

    fn signature(link: &str) -> String {
        link.split_once("X-Amz-Signature=").unwrap().1.to_owned()
    }

    #[tokio::test]
    async fn a_copy_of_another_object_has_another_signature() {
        let object = Object { bucket: "files", key: "samples/0a1b.pdf" };
        let (link, header) = copy(&sdk(None), object, "checked/samples/0a1b.pdf").await.unwrap();
        assert_eq!(header, ("x-amz-copy-source", "files/checked/samples/0a1b.pdf".to_owned()));
        assert!(link.contains("X-Amz-SignedHeaders=host%3Bx-amz-copy-source"), "{link}");
        let (other, _) = copy(&sdk(None), object, "uploads/samples/1").await.unwrap();
        let removed = remove(&sdk(None), object).await.unwrap();
        let signatures = [link, other, removed].map(|link| signature(&link));
        assert_eq!(std::collections::BTreeSet::from(signatures).len(), 3);
    }

    #[test]
    fn the_code_of_an_error_is_read_from_the_answer() {
        let answer =
            b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Policy expired</Message></Error>";
        assert_eq!(error_code(answer), Some("AccessDenied"));
        assert_eq!(error_code(b"<html>Bad Gateway</html>"), None);
    }

    #[tokio::test]
    async fn a_file_of_another_length_has_another_signature() {
        let object = Object { bucket: "files", key: "uploads/covers/1" };
        let link = put(&sdk(None), object, 9).await.unwrap();
        assert!(
            link.contains("X-Amz-SignedHeaders=content-length%3Bhost") && link.contains("X-Amz-Expires=600"),
            "{link}"
        );
        assert_ne!(signature(&link), signature(&put(&sdk(None), object, 10).await.unwrap()));
    }
}
