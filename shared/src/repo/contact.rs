//! Messages to the shop.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::submissions::{self, Met};
use crate::messages::ContactV1;

/// Keeps a message; to be run in one transaction. A repeated delivery changes nothing.
pub async fn receive(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    contact: &ContactV1,
) -> sqlx::Result<Met> {
    if submissions::enter(connection, submission, "contact", sent_at).await? == Met::Again {
        return Ok(Met::Again);
    }
    sqlx::query!(
        r#"
        insert into contact_messages (submission_id, name, email, subject, message, sent_at)
        values (?, ?, ?, ?, ?, ?)
        "#,
        submission,
        contact.name.as_str(),
        contact.email.as_str(),
        contact.subject.as_str(),
        contact.message.as_str(),
        sent_at,
    )
    .execute(connection)
    .await?;
    Ok(Met::First)
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{DisplayName, Email, MessageText, Subject},
        repo::fixtures::minute,
    };

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_message_is_kept_once_however_often_it_is_delivered(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let contact = ContactV1 {
            name: DisplayName::parse("Ana").unwrap(),
            email: Email::parse("ana@example.org").unwrap(),
            subject: Subject::parse("Un libro").unwrap(),
            message: MessageText::parse(&"😀".repeat(4_000)).unwrap(),
        };
        let mut deliver = async || receive(&mut connection, Uuid::from_u128(1), minute(0), &contact).await.unwrap();
        assert_eq!([deliver().await, deliver().await], [Met::First, Met::Again]);
        let kept: i64 = sqlx::query_scalar("select count(*) from contact_messages").fetch_one(&pool).await.unwrap();
        assert_eq!(kept, 1);
    }
}
