//! `bookstore messages`, `reviews` and `visitors`: what the shop's staff does by hand. The database is private, so they
//! invoke `run-staff-task`, which only those may who have the right to.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use shared::{
    domain::VisitorId,
    staff::{ContactMessage, StaffAnswer, StaffRating, StaffTask},
};
use uuid::Uuid;

use crate::{
    aws::connect,
    output::{minute, plain},
};

const FUNCTION: &str = "run-staff-task";
/// Somebody else may be at it: there is one copy.
const WITHIN: Duration = Duration::from_mins(2);

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Messages {
    #[command(subcommand)]
    action: Option<MessageAction>,
    /// Only those that nobody has answered yet
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Subcommand)]
enum MessageAction {
    /// Note that a message was answered
    Answered {
        /// The number in front of the message
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Reviews {
    #[command(subcommand)]
    action: ReviewAction,
}

#[derive(Subcommand)]
enum ReviewAction {
    /// Take a review out of sight and its stars out of the counts; that cookie cannot rate the book again
    Hide {
        /// The `id` of the rating in /api/books/{id}/ratings
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show again what was hidden
    Unhide {
        /// The number that `hide` was given
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Visitors {
    #[command(subcommand)]
    action: VisitorAction,
}

#[derive(Subcommand)]
enum VisitorAction {
    /// Remove all that a visitor left: ratings, whose counts follow, and messages; what comes late is refused
    Erase {
        /// The value of the visitor's cookie; `messages` and `reviews hide` show it
        id: Uuid,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
struct Whose {
    /// Stage of the shop
    #[arg(long, default_value = "local")]
    stage: String,
}

pub async fn messages(args: &Messages) -> Result<()> {
    match &args.action {
        Some(MessageAction::Answered { id, whose }) => {
            let StaffAnswer::Message(message) = ask(whose, &StaffTask::MarkAnswered { message: *id }).await? else {
                bail!(SOMETHING_ELSE);
            };
            print(&message.with_context(|| format!("there is no message {id}"))?);
            Ok(())
        }
        None => list(&args.whose, args.open).await,
    }
}

async fn list(whose: &Whose, open: bool) -> Result<()> {
    let mut before = None;
    loop {
        let StaffAnswer::Messages(page) = ask(whose, &StaffTask::ListMessages { open, before }).await? else {
            bail!(SOMETHING_ELSE);
        };
        page.iter().for_each(print);
        match (page.last(), before) {
            (Some(last), _) => before = Some(last.id),
            (None, None) => {
                outln!("{}", if open { "Every message is answered." } else { "There are no messages." });
                return Ok(());
            }
            (None, Some(_)) => return Ok(()),
        }
    }
}

pub async fn reviews(args: &Reviews) -> Result<()> {
    let (whose, id, task) = match &args.action {
        ReviewAction::Hide { id, whose } => (whose, id, StaffTask::HideReview { rating: *id }),
        ReviewAction::Unhide { id, whose } => (whose, id, StaffTask::UnhideReview { rating: *id }),
    };
    let StaffAnswer::Rating(rating) = ask(whose, &task).await? else { bail!(SOMETHING_ELSE) };
    outln!("{}", told_rating(&rating.with_context(|| format!("there is no rating {id}"))?));
    Ok(())
}

pub async fn visitors(args: &Visitors) -> Result<()> {
    let VisitorAction::Erase { id, whose } = &args.action;
    let task = StaffTask::EraseVisitor { visitor: VisitorId(*id) };
    let StaffAnswer::Erased { ratings, messages } = ask(whose, &task).await? else { bail!(SOMETHING_ELSE) };
    match (ratings, messages) {
        (0, 0) => outln!("Nothing is left of the visitor {id}."),
        _ => outln!("Erased of the visitor {id}: {ratings} rating(s), {messages} message(s)."),
    }
    Ok(())
}

const SOMETHING_ELSE: &str = "run-staff-task answers something else: deploy the version that this command belongs to";

async fn ask(whose: &Whose, task: &StaffTask) -> Result<StaffAnswer> {
    let (stage, aws) = connect(&whose.stage).await?;
    let name = stage.physical(FUNCTION);
    let answer = aws.invoke(&name, "live", &serde_json::to_value(task)?, WITHIN).await?;
    serde_json::from_value(answer).context(SOMETHING_ELSE)
}

fn print(message: &ContactMessage) {
    outln!("{}\n", told_message(message));
}

fn told_message(message: &ContactMessage) -> String {
    let ContactMessage { id, name, email, subject, message: words, sent_at, answered_at, visitor } = message;
    let state = answered_at.map_or("open".to_owned(), |at| format!("answered {}", minute(at)));
    let visitor = visitor.map(|visitor| format!("\n    visitor {}", visitor.0)).unwrap_or_default();
    format!(
        "{id}  {} <{}>  {}  {state}\n    {}{visitor}\n\n{}",
        plain(name),
        plain(email),
        minute(*sent_at),
        plain(subject),
        indented(words)
    )
}

fn told_rating(rating: &StaffRating) -> String {
    let StaffRating { id, book, title, visitor, stars, name, review, sent_at, hidden_at } = rating;
    let state = hidden_at.map_or("shown".to_owned(), |at| format!("hidden {}", minute(at)));
    let name = name.as_deref().map(|name| format!(" by {}", plain(name))).unwrap_or_default();
    let words = review.as_deref().map(|words| format!("\n\n{}", indented(words))).unwrap_or_default();
    format!(
        "{id}  {stars} of 5 stars for {} (book {book}){name}  {}  {state}\n    visitor {}{words}",
        plain(title),
        minute(*sent_at),
        visitor.0
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}", plain(line))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_message_shows_who_wrote_it_and_cannot_steer_the_terminal() {
        let message = ContactMessage {
            id: 12,
            name: "Ana".into(),
            email: "ana@example.org".into(),
            subject: "Un libro\u{1b}[2J".into(),
            message: "Hola,\n¿lo tienen?".into(),
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            answered_at: None,
            visitor: None,
        };
        assert_eq!(
            told_message(&message),
            "12  Ana <ana@example.org>  2026-01-02 03:04 UTC  open\n    Un libro\\u{1b}[2J\n\n    Hola,\n    ¿lo tienen?"
        );
    }

    #[test]
    fn a_rating_shows_its_visitor_so_that_all_of_theirs_can_be_erased() {
        let visitor = VisitorId(Uuid::from_u128(7));
        let rating = StaffRating {
            id: 3,
            book: 53.into(),
            title: "El túnel".into(),
            visitor,
            stars: 1,
            name: Some("Troll".into()),
            review: None,
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            hidden_at: Some(datetime!(2026-01-03 00:00:00 UTC)),
        };
        assert_eq!(
            told_rating(&rating),
            "3  1 of 5 stars for El túnel (book 53) by Troll  2026-01-02 03:04 UTC  hidden 2026-01-03 00:00 UTC\n    \
             visitor 00000000-0000-0000-0000-000000000007"
        );
    }
}
