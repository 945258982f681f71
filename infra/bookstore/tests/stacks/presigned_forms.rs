//! Forms for uploads on an emulator that checks their signatures: what a bucket accepts of them, and what it refuses.

use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use bookstore::aws::AwsClients;
use reqwest::{header, redirect::Policy};
use shared::presigned_form::{ContentType, LIFETIME, PresignedForm, Upload};
use time::{Duration, OffsetDateTime};

use crate::{http, strict_emulator::StrictEmulator, support::stage};

const BUCKET: &str = "imports";
const KEY: &str = "previews/7.csv";
const RETURN_TO: &str = "https://shop.example/staff/imports/uploads/7";
const FILE: &[u8] = "reference,title,authors\n\u{f1},El t\u{fa}nel,Ernesto Sabato\n".as_bytes();

fn with_credentials(sdk: &SdkConfig, id: &str, secret: &str, token: Option<String>) -> SdkConfig {
    let credentials = Credentials::new(id, secret, token, None, "a test");
    sdk.clone().into_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

async fn form(sdk: &SdkConfig, at: OffsetDateTime) -> PresignedForm {
    form_of(sdk, ContentType::Exactly("text/csv"), at).await
}

async fn form_of(sdk: &SdkConfig, content_type: ContentType<'_>, at: OffsetDateTime) -> PresignedForm {
    let upload = Upload {
        bucket: BUCKET,
        key: KEY,
        content_type,
        size: 2..=100,
        metadata: &[("uploader", "7")],
        return_to: RETURN_TO,
    };
    PresignedForm::new(sdk, &upload, at).await.unwrap()
}

/// The status, and the address to which the bucket leads, or the code of its error.
async fn send(form: &PresignedForm, file: &[u8]) -> (u16, String) {
    const BOUNDARY: &str = "a-boundary";
    let field = |(name, value): &(String, String)| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: String = form.fields.iter().map(field).collect();
    let file_part =
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/html\r\n\r\n";
    let body =
        [format!("{fields}--{BOUNDARY}\r\n{file_part}").as_bytes(), file, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()]
            .concat();
    let browser = http().redirect(Policy::none()).build().unwrap();
    let request = browser.post(&form.action).body(body);
    let request = request.header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = request.send().await.unwrap();
    let (status, location) = (answer.status().as_u16(), answer.headers().get(header::LOCATION).cloned());
    let text = answer.text().await.unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let outcome = location.map(|location| location.to_str().unwrap().to_owned());
    (status, outcome.or(code.map(str::to_owned)).unwrap_or(text))
}

fn changed(form: &PresignedForm, name: &str, value: &str) -> PresignedForm {
    let mut form = form.clone();
    value.clone_into(&mut form.fields.iter_mut().find(|(known, _)| known == name).expect("a field").1);
    form
}

#[ignore = "needs a strict emulator"]
#[tokio::test]
async fn a_bucket_accepts_the_file_of_a_presigned_form_and_nothing_else() {
    let emulator = StrictEmulator::start();
    let stage = stage("local");
    let aws = AwsClients::local(&stage, emulator.port);
    aws.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    let sdk = shared::aws::patient_sdk_config().into_builder();
    let sdk = sdk.region(aws_config::Region::new(stage.region.clone()));
    let sdk = sdk.endpoint_url(format!("http://127.0.0.1:{}", emulator.port)).build();
    let of_owner = with_credentials(&sdk, "test", "test", None);
    // As a function has them.
    let temporary = aws_sdk_sts::Client::new(&of_owner).get_session_token().send().await.unwrap().credentials.unwrap();
    let token = temporary.session_token().to_owned();
    let of_function = |token: &str| {
        with_credentials(&sdk, temporary.access_key_id(), temporary.secret_access_key(), Some(token.to_owned()))
    };

    let now = OffsetDateTime::now_utc();
    for sdk in [&of_owner, &of_function(&token)] {
        let form = form(sdk, now).await;
        let (status, location) = send(&form, FILE).await;
        assert_eq!(status, 303, "{location}");
        assert!(location.starts_with(&format!("{RETURN_TO}?bucket={BUCKET}&key={KEY}&etag=")), "{location}");
        let object = aws.s3.get_object().bucket(BUCKET).key(KEY).send().await.unwrap();
        assert_eq!(object.content_type(), Some("text/csv"), "the form chooses, not the browser");
        assert_eq!(object.metadata().unwrap()["uploader"], "7");
        assert_eq!(object.body.collect().await.unwrap().to_vec(), FILE);
        aws.s3.delete_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    }

    let whole = form(&of_function(&token), now).await;
    let wrong_signature = "0".repeat(64);
    let mut with_another_field = whole.clone();
    with_another_field.fields.insert(0, ("acl".to_owned(), "public-read".to_owned()));
    let mut without_token = whole.clone();
    without_token.fields.retain(|(name, _)| name != "x-amz-security-token");
    let other_policy = form(&of_function(&token), now + Duration::hours(1)).await.fields;
    let other_policy = &other_policy.iter().find(|(name, _)| name == "policy").unwrap().1;
    let cases: [(&str, PresignedForm, &[u8], u16, &str); 13] = [
        ("another type", changed(&whole, "Content-Type", "text/html"), FILE, 403, "AccessDenied"),
        ("another key", changed(&whole, "key", "incoming/7.csv"), FILE, 403, "AccessDenied"),
        (
            "another address",
            changed(&whole, "success_action_redirect", "https://example.org"),
            FILE,
            403,
            "AccessDenied",
        ),
        ("another person", changed(&whole, "x-amz-meta-uploader", "8"), FILE, 403, "AccessDenied"),
        ("one more field", with_another_field, FILE, 403, "AccessDenied"),
        ("a larger file", whole.clone(), &[b'a'; 101], 400, "EntityTooLarge"),
        ("an empty file", whole.clone(), b"", 400, "EntityTooSmall"),
        ("another signature", changed(&whole, "x-amz-signature", &wrong_signature), FILE, 403, "SignatureDoesNotMatch"),
        ("another policy", changed(&whole, "policy", other_policy), FILE, 403, "SignatureDoesNotMatch"),
        ("another day", changed(&whole, "x-amz-date", "20200101T000000Z"), FILE, 400, "InvalidArgument"),
        ("no token", without_token, FILE, 400, "InvalidToken"),
        ("another token", form(&of_function("another"), now).await, FILE, 400, "InvalidToken"),
        ("too late", form(&of_function(&token), now - LIFETIME).await, FILE, 403, "AccessDenied"),
    ];
    for (what, form, file, status, code) in cases {
        assert_eq!(send(&form, file).await, (status, code.to_owned()), "{what}");
    }

    let of_a_choice = form_of(&of_owner, ContentType::Beginning("text/csv"), now).await;
    for (chosen, status) in [
        (Some("text/html"), 403),
        (Some("application/text/csv"), 403),
        (None, 403),
        (Some("text/csv; charset=windows-1252"), 303),
    ] {
        let mut form = of_a_choice.clone();
        form.fields.extend(chosen.map(|chosen| ("Content-Type".to_owned(), chosen.to_owned())));
        assert_eq!(send(&form, FILE).await.0, status, "{chosen:?}");
    }
    let object = aws.s3.head_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    assert_eq!(object.content_type(), Some("text/csv; charset=windows-1252"));
    aws.s3.delete_object().bucket(BUCKET).key(KEY).send().await.unwrap();

    let left = aws.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(left.contents().len(), 0, "{:?}", left.contents());
}
