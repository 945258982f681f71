//! The bucket of files, as functions use it that have no client of S3: by links that they sign.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use aws_config::SdkConfig;
use futures_util::future::join_all;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{
    App,
    database::{self, Database},
    domain::{BookId, Credit},
    https::HttpsClient,
    presigned_link::{self, Download, Object, error_code},
    repo::files,
    uploads::{Checked, CoverName, MAX_SERVED_COVER, UploadKey, UploadKind, UploadResult, checked_key, sample_key},
};

/// Timeout of a call that reads, for which somebody waits.
const READ_WITHIN: Duration = Duration::from_secs(1);
/// Timeout of a copy. The bucket copies the largest file within a second.
const COPIED_WITHIN: Duration = Duration::from_secs(2);
/// Timeout of a transaction in which a book gets a file: a second for the lock, and the copies at once.
const GIVEN_WITHIN: Duration = Duration::from_millis(3_200);
/// Timeout of one attempt to remove a file.
const DELETED_WITHIN: Duration = Duration::from_millis(600);
/// Timeout of a removal with all that it waits for.
const REMOVED_WITHIN: Duration = Duration::from_secs(2);

/// The bucket of files, for one request.
pub struct FilesBucket<'a> {
    sdk: &'a SdkConfig,
    database: &'a Database,
    pub name: String,
}

/// A client for covers, which a process keeps with its connections.
pub fn cover_client() -> HttpsClient {
    HttpsClient::new(READ_WITHIN).reading_up_to(MAX_SERVED_COVER)
}

impl<'a> FilesBucket<'a> {
    pub async fn of(app: &'a App) -> anyhow::Result<Self> {
        let name = app.config().await?.files_bucket.clone().context("the bucket of files was not granted")?;
        Ok(Self { sdk: app.sdk(), database: app.database(), name })
    }

    /// The link to upload a file of this many bytes.
    pub async fn to_upload(&self, upload: UploadKey, bytes: u64) -> anyhow::Result<String> {
        presigned_link::put(self.sdk, self.object(&upload.key()), bytes).await
    }

    /// The link with which a browser saves a sample chapter under this name, or asks for its headers.
    pub async fn to_save(&self, hash: &str, file_name: &str, is_head: bool) -> anyhow::Result<String> {
        let download = Download { content_type: "application/pdf", file_name };
        presigned_link::download(self.sdk, self.object(&sample_key(hash)), &download, is_head).await
    }

    /// The result of checking an upload; none until it is checked, and after it has expired.
    pub async fn result(&self, upload: UploadKey) -> anyhow::Result<Option<UploadResult>> {
        let result = self.read(&upload.result_key(), &HttpsClient::new(READ_WITHIN)).await?;
        result.map(|json| UploadResult::parse(&json, upload.kind)).transpose()
    }

    /// A checked cover that no book needs to have; none if there is none of this name, or no longer.
    pub async fn checked_cover(&self, name: &CoverName) -> anyhow::Result<Option<Vec<u8>>> {
        self.read(&checked_key(&name.key()), &cover_client()).await
    }

    /// A cover that the shop serves; none if there is none of this name. `client` is one of [`cover_client`], and tries once more
    /// after an error of S3, a lost connection or a timeout.
    pub async fn served_cover(&self, name: &CoverName, client: &HttpsClient) -> anyhow::Result<Option<Vec<u8>>> {
        match self.read(&name.key(), client).await {
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "Reading a cover once more");
                self.read(&name.key(), client).await
            }
            read => read,
        }
    }

    async fn read(&self, key: &str, client: &HttpsClient) -> anyhow::Result<Option<Vec<u8>>> {
        let link = presigned_link::get(self.sdk, self.object(key)).await?;
        let answer = client.get(&link).await.with_context(|| format!("reading {key}"))?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => bail!("S3 answered {status} {} to the request for {key}", error_code(&answer.body).unwrap_or("")),
        }
    }

    /// Runs a transaction in which a book may [get](Self::give) a file of this kind, or lose its own where there is none. Unless
    /// the book has the new one then, its copies are removed again, if bucket and database can be asked: they may be there whatever
    /// has failed since.
    pub async fn change<T>(
        &self,
        (kind, new): (UploadKind, Option<&Checked>),
        transaction: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
        has_it: impl FnOnce(&T) -> bool,
    ) -> database::Result<T> {
        let outcome = self.database.write_within(GIVEN_WITHIN, transaction).await;
        if let Some(file) = new
            && !outcome.as_ref().is_ok_and(has_it)
        {
            self.remove_unused(kind, file).await;
        }
        outcome
    }

    /// Gives a book a checked file: copies it to where the shop serves it, and writes that the book has it. For a transaction of
    /// [`change`](Self::change). Returns false, or an error of the bucket, where nothing was written: false if the checked file
    /// is no longer kept.
    pub async fn give(
        &self,
        connection: &mut MySqlConnection,
        book: BookId,
        (file, credit): (&Checked, Option<&Credit>),
        now: OffsetDateTime,
    ) -> sqlx::Result<anyhow::Result<bool>> {
        let hash = file.hash().unwrap_or_default();
        if !files::lock(connection, hash).await? {
            return Ok(Err(anyhow!("the same file is being given to another book, or removed")));
        }
        let served = self.serve(file).await;
        let written = match (&served, file) {
            (Ok(true), Checked::Cover(cover)) => files::put_cover(connection, book, cover, credit, now).await,
            (Ok(true), Checked::Sample(sample)) => files::put_sample(connection, book, sample, now).await,
            _ => Ok(()),
        };
        files::unlock(connection, hash).await?;
        written?;
        Ok(served)
    }

    /// Copies a checked file to where the shop serves it. Returns false if it is no longer kept.
    async fn serve(&self, file: &Checked) -> anyhow::Result<bool> {
        let client = HttpsClient::new(COPIED_WITHIN);
        let copied = join_all(file.keys().iter().map(|key| self.copy(&client, key))).await;
        Ok(copied.into_iter().collect::<anyhow::Result<Vec<bool>>>()?.into_iter().all(|is_there| is_there))
    }

    async fn copy(&self, client: &HttpsClient, key: &str) -> anyhow::Result<bool> {
        let source = checked_key(key);
        let (link, (name, value)) = presigned_link::copy(self.sdk, self.object(key), &source).await?;
        let answer = client.change("PUT", &link, &[(name, &value), ("content-length", "0")]).await;
        let answer = answer.with_context(|| format!("copying {source}"))?;
        match (answer.status, error_code(&answer.body)) {
            // A copy that fails after its beginning is answered with 200, too.
            (200, None) => Ok(true),
            (404, _) => Ok(false),
            (status, code) => bail!("S3 answered {status} {} to the copy of {source}", code.unwrap_or_default()),
        }
    }

    /// Removes a file from where the shop serves it, unless a book has it. After the transaction in which a book has lost it or
    /// was to get it. Returns false if it may still be there, which is logged.
    pub async fn remove_unused(&self, kind: UploadKind, file: &Checked) -> bool {
        let hash = file.hash().unwrap_or_default();
        // Before the attempt, because a request may end while it waits.
        tracing::info!(hash, "Removing a file unless a book has it");
        let removed = timeout(REMOVED_WITHIN, self.remove_if_unused(kind, file)).await;
        let removed = removed.unwrap_or_else(|_| Err(anyhow!("not done within {} ms", REMOVED_WITHIN.as_millis())));
        if let Err(error) = &removed {
            tracing::error!(hash, error = format!("{error:#}"), "A file that no book may have was not removed");
        }
        removed.is_ok()
    }

    async fn remove_if_unused(&self, kind: UploadKind, file: &Checked) -> anyhow::Result<()> {
        let hash = file.hash().unwrap_or_default();
        let removing = self.database.write_within(REMOVED_WITHIN, async |c| {
            if !files::lock(c, hash).await? {
                return Ok(Err(anyhow!("the same file is being given to a book, or removed")));
            }
            let removed = match files::is_used(c, kind, hash).await {
                Ok(true) => Ok(Ok(())),
                Ok(false) => Ok(self.remove(file).await),
                Err(error) => Err(error),
            };
            files::unlock(c, hash).await?;
            removed
        });
        removing.await?
    }

    /// Removes all files, each with a second attempt, and returns the first error. One that cannot be removed keeps no other.
    async fn remove(&self, file: &Checked) -> anyhow::Result<()> {
        let client = HttpsClient::new(DELETED_WITHIN);
        let removed = join_all(file.keys().iter().map(|key| self.delete_twice(&client, key))).await;
        removed.into_iter().collect()
    }

    async fn delete_twice(&self, client: &HttpsClient, key: &str) -> anyhow::Result<()> {
        let Err(error) = self.delete(client, key).await else { return Ok(()) };
        tracing::warn!(key, error = format!("{error:#}"), "Trying to remove a file again");
        self.delete(client, key).await
    }

    async fn delete(&self, client: &HttpsClient, key: &str) -> anyhow::Result<()> {
        let link = presigned_link::remove(self.sdk, self.object(key)).await?;
        let answer = client.change("DELETE", &link, &[]).await?;
        let code = error_code(&answer.body).unwrap_or_default();
        ensure!(matches!(answer.status, 200 | 204), "S3 answered {} {code} to the removal of {key}", answer.status);
        Ok(())
    }

    fn object<'b>(&'b self, key: &'b str) -> Object<'b> {
        Object { bucket: &self.name, key }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::Region;
    use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
    use serde_json::json;
    use sqlx::{AssertSqlSafe, MySqlPool};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;
    use crate::{
        database::{CONNECTING, WORK_TIMEOUT, tests::database},
        handler::LONGEST_ANSWER,
        uploads::{CoverFiles, Size},
    };

    /// A bucket on loopback, which answers each request with the status and the text for its method and its key.
    struct Bucket {
        sdk: SdkConfig,
        /// Method and key of each request, sorted by key.
        asked: Arc<Mutex<Vec<String>>>,
        server: JoinHandle<()>,
    }

    impl Drop for Bucket {
        fn drop(&mut self) {
            self.server.abort();
        }
    }

    impl Bucket {
        /// `answer` also gets how often the same was asked before.
        async fn start(answer: impl Fn(&str, usize) -> (u16, String) + Send + 'static) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let asked = Arc::new(Mutex::new(Vec::new()));
            let noted = asked.clone();
            let server = tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n")
                        && let Ok(byte) = stream.read_u8().await
                    {
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).unwrap();
                    // A client may open a connection that it does not need.
                    let Some((method, rest)) = head.split_once(" /files/") else { continue };
                    let request = format!("{method} {}", rest.split('?').next().unwrap());
                    let before = {
                        let mut noted = noted.lock().unwrap();
                        noted.push(request.clone());
                        noted.iter().filter(|other| **other == request).count() - 1
                    };
                    let (status, body) = answer(&request, before);
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
            let credentials = SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test"));
            let sdk = SdkConfig::builder().region(Region::new("us-east-1")).credentials_provider(credentials);
            Self { sdk: sdk.endpoint_url(endpoint).build(), asked, server }
        }

        fn files<'a>(&'a self, database: &'a Database) -> FilesBucket<'a> {
            FilesBucket { sdk: &self.sdk, database, name: "files".to_owned() }
        }

        /// The requests since the last time, by their keys.
        fn asked(&self) -> Vec<String> {
            let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
            asked.sort();
            asked
        }
    }

    fn empty(status: u16) -> (u16, String) {
        (status, String::new())
    }

    const SIZE: Size = Size { width: 640, height: 960 };

    fn hash() -> String {
        "a".repeat(32)
    }

    fn cover() -> Checked {
        Checked::Cover(CoverFiles::new(hash(), SIZE))
    }

    /// These methods with each of the three keys, sorted.
    fn on_all(methods: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for method in methods {
            all.extend([160, 320, 640].map(|width| format!("{method} covers/{}-{width}.jpg", hash())));
        }
        all.sort();
        all
    }

    async fn book(connection: &mut MySqlConnection) -> BookId {
        let sql = "insert into books (reference, title, byline) values ('b', 'El túnel', 'Sabato')";
        let id = sqlx::query(sql).execute(connection).await.unwrap().last_insert_id();
        u32::try_from(id).unwrap().into()
    }

    #[test]
    fn a_form_that_changes_a_file_ends_before_its_request_does() {
        let access = CONNECTING + WORK_TIMEOUT;
        assert!(access + READ_WITHIN + GIVEN_WITHIN + REMOVED_WITHIN < LONGEST_ANSWER);
        assert!(2 * DELETED_WITHIN < REMOVED_WITHIN && COPIED_WITHIN + Duration::from_secs(1) < GIVEN_WITHIN);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_result_is_believed_only_if_a_check_can_have_written_it(pool: MySqlPool) {
        let upload = UploadKey::new(UploadKind::Cover, OffsetDateTime::now_utc());
        let script = "\"><script>";
        for (hash, is_believed) in [(hash().as_str(), true), (script, false)] {
            let result = json!({ "etag": "0a", "result": "cover", "hash": hash, "sizes": SIZE.of_cover() }).to_string();
            let bucket = Bucket::start(move |_, _| (200, result.clone())).await;
            let database = database(&pool);
            let read = bucket.files(&database).result(upload).await;
            assert_eq!(read.is_ok(), is_believed, "{read:?}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_file_that_cannot_be_removed_keeps_no_other_one_and_is_tried_twice(pool: MySqlPool) {
        let database = database(&pool);
        let refused = |key: &'static str, times: usize| {
            move |request: &str, before: usize| empty(if request.ends_with(key) && before < times { 503 } else { 204 })
        };
        for (times, is_removed) in [(0, true), (1, true), (9, false)] {
            let bucket = Bucket::start(refused("-160.jpg", times)).await;
            assert_eq!(bucket.files(&database).remove_unused(UploadKind::Cover, &cover()).await, is_removed, "{times}");
            let mut expected = on_all(&["DELETE"]);
            if times > 0 {
                expected.insert(0, expected[0].clone());
            }
            assert_eq!(bucket.asked(), expected, "{times}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_removal_ends_in_time_also_if_the_file_is_locked_or_the_bucket_does_not_answer(pool: MySqlPool) {
        let database = database(&pool);
        let mut other = pool.acquire().await.unwrap();
        assert!(files::lock(&mut other, &hash()).await.unwrap());
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut bucket = Bucket::start(|_, _| empty(204)).await;
        let began = std::time::Instant::now();
        assert!(!bucket.files(&database).remove_unused(UploadKind::Cover, &cover()).await, "another has the lock");
        assert!(bucket.asked().is_empty());
        files::unlock(&mut other, &hash()).await.unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        bucket.sdk = bucket.sdk.clone().into_builder().endpoint_url(endpoint).build();
        assert!(!bucket.files(&database).remove_unused(UploadKind::Cover, &cover()).await, "the bucket is silent");
        assert!(began.elapsed() < 2 * REMOVED_WITHIN, "{:?}", began.elapsed());
        assert!(files::lock(&mut other, &hash()).await.unwrap(), "and the lock is free again");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn copies_that_no_book_has_in_the_end_are_removed_again(pool: MySqlPool) {
        let database = database(&pool);
        let connection = &mut *pool.acquire().await.unwrap();
        let id = book(connection).await;
        let failed = "<Error><Code>InternalError</Code></Error>";
        for (copy_of_second, fails_later, expected) in [
            (empty(404), false, Some(Ok(false))),
            (empty(503), false, Some(Err(()))),
            ((200, failed.to_owned()), false, Some(Err(()))),
            (empty(200), true, None),
        ] {
            let copied = copy_of_second.clone();
            let answer = move |request: &str, _| match request {
                _ if request.starts_with("DELETE") => empty(204),
                _ if request.ends_with("-320.jpg") => copied.clone(),
                _ => empty(200),
            };
            let bucket = Bucket::start(answer).await;
            let (files, file) = (bucket.files(&database), cover());
            let transaction = async |c: &mut MySqlConnection| {
                let given = files.give(c, id, (&file, None), OffsetDateTime::now_utc()).await?;
                if fails_later {
                    sqlx::raw_sql(AssertSqlSafe("signal sqlstate '45000'")).execute(&mut *c).await?;
                }
                Ok(given)
            };
            let outcome =
                files.change((UploadKind::Cover, Some(&file)), transaction, |given| matches!(given, Ok(true))).await;
            assert_eq!(outcome.ok().map(|given| given.map_err(drop)), expected, "{copy_of_second:?}");
            assert_eq!(bucket.asked(), on_all(&["DELETE", "PUT"]), "{copy_of_second:?}");
            assert!(!files::is_used(connection, UploadKind::Cover, &hash()).await.unwrap());
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_file_that_a_book_has_is_not_removed_whatever_happens_to_another_one(pool: MySqlPool) {
        let database = database(&pool);
        let connection = &mut *pool.acquire().await.unwrap();
        let one = book(connection).await;
        let bucket = Bucket::start(|_, _| empty(200)).await;
        let (files, file) = (bucket.files(&database), cover());
        let give = async |c: &mut MySqlConnection| files.give(c, one, (&file, None), OffsetDateTime::now_utc()).await;
        let given = files.change((UploadKind::Cover, Some(&file)), give, |given| matches!(given, Ok(true))).await;
        assert!(given.unwrap().unwrap());
        assert_eq!(bucket.asked(), on_all(&["PUT"]));
        let refused = files.change((UploadKind::Cover, Some(&file)), async |_| Ok(()), |()| false).await;
        assert!(refused.is_ok() && bucket.asked().is_empty(), "the first book has it");
    }
}
