//! A password that changes in MariaDB and in SSM is found without a deploy.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use uuid::Uuid;

use crate::support::{Shop, eventually, variable};

const USER: &str = "anaquel_reader";

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_rotated_password_is_found_without_a_deploy() {
    let shop = Shop::alone().await;
    assert_eq!(shop.get("/api/books").await.status, 200);

    let password = Uuid::new_v4().simple().to_string();
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    for sql in [format!("alter user {USER} identified by '{password}'"), format!("kill connection user {USER}")] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut root).await.unwrap();
    }
    let refused = shop.get("/api/books").await;

    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let put = ssm.put_parameter().name("/anaquel/local/database/reader/password").value(&password).overwrite(true);
    put.send().await.unwrap();
    assert_eq!(refused.status, 503, "the old password must be refused: {}", refused.text);
    // The parameters are read again at most every five seconds.
    eventually(Duration::from_secs(10), async || {
        let answer = shop.get("/api/books").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text) }
    })
    .await;
}
