//! Forms with which a browser uploads a file to a bucket, without our functions in between. The SDK presigns other requests, but
//! not these: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html>.
//!
//! The bucket accepts what the policy of the form allows and nothing else, with the permissions of the function that signed it, and
//! as long as the credentials of that function are valid.

use std::{fmt::Write, ops::RangeInclusive};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_ssm::config::{Credentials, ProvideCredentials};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::{
    Duration, OffsetDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// How long the form can be sent, unless the credentials of the function that signed it end before.
pub const LIFETIME: Duration = Duration::minutes(10);

const DAY: &[BorrowedFormatItem] = format_description!("[year][month][day]");
const MOMENT: &[BorrowedFormatItem] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// The only file that a form uploads.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub content_type: ContentType<'a>,
    /// Size in bytes.
    pub size: RangeInclusive<u64>,
    /// Names without `x-amz-meta-`, and values in ASCII, which are stored with the object.
    pub metadata: &'a [(&'a str, &'a str)],
    /// The address of the shop to which the bucket sends the browser after the upload. It adds the parameters `bucket`, `key` and
    /// `etag`, which anybody can write.
    pub return_to: &'a str,
}

/// The stored type of the object. The bucket does not look into the file, so the type says nothing about it.
#[derive(Debug, Clone, Copy)]
pub enum ContentType<'a> {
    Exactly(&'a str),
    /// The page has a field `Content-Type` of its own, in front of the file, and its value begins so.
    Beginning(&'a str),
}

/// A form with `method="post"` and `enctype="multipart/form-data"`. The field of the file is named `file` and must be the last.
#[derive(Clone)]
pub struct PresignedForm {
    pub action: String,
    /// Names and values of the hidden fields.
    pub fields: Vec<(String, String)>,
}

impl PresignedForm {
    /// Signs a form with the credentials of the function, which needs `s3:PutObject` for the key.
    ///
    /// # Errors
    /// The environment has no region or no credentials.
    pub async fn new(sdk: &SdkConfig, upload: &Upload<'_>, now: OffsetDateTime) -> anyhow::Result<Self> {
        let provider = sdk.credentials_provider().context("there are no credentials")?;
        let credentials = provider.provide_credentials().await.context("reading the credentials")?;
        let region = sdk.region().context("there is no region")?;
        Self::signed(upload, &credentials, region.as_ref(), sdk.endpoint_url(), now)
    }

    fn signed(
        upload: &Upload<'_>,
        credentials: &Credentials,
        region: &str,
        endpoint: Option<&str>,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let day = now.format(DAY)?;
        let mut fields = vec![
            ("key".to_owned(), upload.key.to_owned()),
            ("success_action_redirect".to_owned(), upload.return_to.to_owned()),
            ("x-amz-algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential".to_owned(), format!("{}/{day}/{region}/s3/aws4_request", credentials.access_key_id())),
            ("x-amz-date".to_owned(), now.format(MOMENT)?),
        ];
        if let ContentType::Exactly(content_type) = upload.content_type {
            fields.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        // Those of a function are temporary, and count only together with it.
        fields.extend(credentials.session_token().map(|token| ("x-amz-security-token".to_owned(), token.to_owned())));
        let metadata = upload.metadata.iter();
        fields.extend(metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), (*value).to_owned())));
        let policy = BASE64_STANDARD.encode(policy(upload, &fields, now + LIFETIME)?.to_string());
        let signature = signature(credentials.secret_access_key(), &day, region, &policy);
        fields.extend([("policy".to_owned(), policy), ("x-amz-signature".to_owned(), signature)]);
        Ok(Self { action: address(upload.bucket, region, endpoint), fields })
    }

    /// The origin of the bucket, for the content security policy of the page.
    pub fn origin(&self) -> &str {
        let host = self.action.find("://").map_or(0, |at| at + 3);
        let end = self.action[host..].find('/').map_or(self.action.len(), |at| host + at);
        &self.action[..end]
    }
}

/// The policy that the bucket compares the form with. Each field must be as it is here, and there must be no other.
fn policy(upload: &Upload<'_>, fields: &[(String, String)], end: OffsetDateTime) -> anyhow::Result<Value> {
    let mut conditions = vec![
        json!(["eq", "$bucket", upload.bucket]),
        json!(["content-length-range", upload.size.start(), upload.size.end()]),
    ];
    if let ContentType::Beginning(beginning) = upload.content_type {
        conditions.push(json!(["starts-with", "$Content-Type", beginning]));
    }
    conditions.extend(fields.iter().map(|(name, value)| json!(["eq", format!("${name}"), value])));
    let end = end.replace_nanosecond(0)?.format(&Rfc3339)?;
    Ok(json!({ "expiration": end, "conditions": conditions }))
}

/// The bucket by its own host name, as only AWS has one for each.
pub(crate) fn address(bucket: &str, region: &str, endpoint: Option<&str>) -> String {
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
        None => format!("https://{bucket}.s3.{region}.amazonaws.com/"),
    }
}

fn signature(secret: &str, day: &str, region: &str, policy: &str) -> String {
    let key = [day, region, "s3", "aws4_request"]
        .into_iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part).finalize().into_bytes().to_vec());
    mac(&key, policy).finalize().into_bytes().iter().fold(String::new(), |mut hexadecimal, byte| {
        let _ = write!(hexadecimal, "{byte:02x}");
        hexadecimal
    })
}

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(text)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn form(token: Option<&str>, endpoint: Option<&str>) -> PresignedForm {
        let upload = Upload {
            bucket: "imports",
            key: "previews/1.csv",
            content_type: ContentType::Exactly("text/csv"),
            size: 1..=1_000,
            metadata: &[("subject", "7")],
            return_to: "https://shop.example/staff/imports",
        };
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET, token.map(str::to_owned), None, "test");
        PresignedForm::signed(&upload, &credentials, "eu-south-2", endpoint, datetime!(2026-11-27 14:50:09.5 UTC))
            .unwrap()
    }

    #[test]
    fn the_signature_of_the_documented_example_is_the_documented_one() {
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html>; its lines end in CR LF.
        const POLICY: &str = r#"{ "expiration": "2015-12-30T12:00:00.000Z",
  "conditions": [
    {"bucket": "sigv4examplebucket"},
    ["starts-with", "$key", "user/user1/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    {"x-amz-server-side-encryption": "AES256"},
    ["starts-with", "$x-amz-meta-tag", ""],

    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    {"x-amz-date": "20151229T000000Z" }
  ]
}"#;
        let policy = BASE64_STANDARD.encode(POLICY.replace('\n', "\r\n"));
        assert!(
            policy.starts_with(
                "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAg"
            )
        );
        assert_eq!(
            signature(SECRET, "20151229", "us-east-1", &policy),
            "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"
        );
    }

    #[test]
    fn the_policy_has_each_field_of_the_form_the_size_and_an_end_after_ten_minutes() {
        for token in [None, Some("a/token+of=the function")] {
            let form = form(token, None);
            let field =
                |name: &str| form.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            assert_eq!(field("x-amz-security-token"), token);
            assert_eq!(field("x-amz-date"), Some("20261127T145009Z"));
            assert_eq!(field("x-amz-credential"), Some("AKIAIOSFODNN7EXAMPLE/20261127/eu-south-2/s3/aws4_request"));
            let policy = BASE64_STANDARD.decode(field("policy").unwrap()).unwrap();
            let policy: Value = serde_json::from_slice(&policy).unwrap();
            assert_eq!(policy["expiration"], "2026-11-27T15:00:09Z");
            let conditions = policy["conditions"].as_array().unwrap();
            for condition in [json!(["eq", "$bucket", "imports"]), json!(["content-length-range", 1, 1_000])] {
                assert!(conditions.contains(&condition), "{condition}");
            }
            for (name, value) in
                form.fields.iter().filter(|(name, _)| !["policy", "x-amz-signature"].contains(&name.as_str()))
            {
                assert!(conditions.contains(&json!(["eq", format!("${name}"), value])), "{name}");
            }
            assert_eq!(
                conditions.len(),
                form.fields.len(),
                "two fields are about the policy itself, two conditions about no field"
            );
        }
    }

    #[test]
    fn the_form_is_sent_to_the_bucket_by_its_own_name_on_aws_and_by_a_path_elsewhere() {
        for (endpoint, action, origin) in [
            (None, "https://imports.s3.eu-south-2.amazonaws.com/", "https://imports.s3.eu-south-2.amazonaws.com"),
            (Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566/imports", "http://127.0.0.1:4566"),
        ] {
            let form = form(None, endpoint);
            assert_eq!((form.action.as_str(), form.origin()), (action, origin));
        }
    }
}
