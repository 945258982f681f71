//! The pages of the staff by their addresses.

use shared::{
    ApiError, Request, Result,
    domain::{BookId, OrderNumber},
    http::Method,
    uploads::{CoverName, UploadKey},
};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Start,
    Orders,
    Order(OrderNumber),
    DeliveryNote(OrderNumber),
    PickList,
    Messages,
    Message(u64),
    Reviews,
    Review(u64),
    Books,
    NewBook,
    Book(BookId),
    Stock,
    Searches,
    /// The files of a book.
    Files(BookId),
    /// A picture that was uploaded.
    CheckedCover,
    /// An upload for a book.
    Upload(BookId, UploadKey),
    Imports,
    /// To which the bucket leads after the upload of a file to import.
    Uploaded(Uuid),
    Import(u32),
    /// The refused rows of an import, as a file.
    Refused(u32),
    Log,
}

impl Place {
    /// # Errors
    /// There is no such page, or it has no form to be sent. Other methods are those of no page.
    pub fn of(request: &Request) -> Result<Self> {
        if !request.is_read() && request.method != Method::POST {
            return Err(ApiError::NotFound);
        }
        let segments: Vec<&str> = request.segments().iter().skip(1).map(String::as_str).collect();
        let id = |text: &str| text.parse::<u64>().ok().filter(|id| id.to_string() == text).ok_or(ApiError::NotFound);
        let small = |text: &str| u32::try_from(id(text)?).map_err(|_| ApiError::NotFound);
        let number = |text: &str| {
            let number = OrderNumber::parse(text).filter(|number| number.to_string() == text);
            number.ok_or(ApiError::NotFound)
        };
        let book_id = |text: &str| {
            let id = BookId::parse(text).filter(|id| id.to_string() == text);
            id.ok_or(ApiError::NotFound)
        };
        let place = match segments[..] {
            [] => Self::Start,
            ["orders"] => Self::Orders,
            ["orders", order] => Self::Order(number(order)?),
            ["orders", order, "delivery-note"] => Self::DeliveryNote(number(order)?),
            ["pick-list"] => Self::PickList,
            ["messages"] => Self::Messages,
            ["messages", message] => Self::Message(id(message)?),
            ["reviews"] => Self::Reviews,
            ["reviews", review] => Self::Review(id(review)?),
            ["books"] => Self::Books,
            ["books", "new"] => Self::NewBook,
            ["books", book] => Self::Book(book_id(book)?),
            ["books", book, "files"] => Self::Files(book_id(book)?),
            ["books", book, "files", folder, upload] => {
                let upload = UploadKey::of_segments(folder, upload).ok_or(ApiError::NotFound)?;
                Self::Upload(book_id(book)?, upload)
            }
            ["covers", name] if CoverName::parse(name).is_some() => Self::CheckedCover,
            ["stock"] => Self::Stock,
            ["searches"] => Self::Searches,
            ["imports"] => Self::Imports,
            ["imports", "uploads", upload] => Self::Uploaded(upload.parse().map_err(|_| ApiError::NotFound)?),
            ["imports", import] => Self::Import(small(import)?),
            ["imports", import, "refused.csv"] => Self::Refused(small(import)?),
            ["log"] => Self::Log,
            _ => return Err(ApiError::NotFound),
        };
        let is_form = matches!(
            place,
            Self::Order(_)
                | Self::Messages
                | Self::Message(_)
                | Self::Reviews
                | Self::Review(_)
                | Self::NewBook
                | Self::Book(_)
                | Self::Stock
                | Self::Files(_)
                | Self::Upload(..)
                | Self::Import(_)
        );
        if request.is_read() || is_form { Ok(place) } else { Err(ApiError::MethodNotAllowed("GET, HEAD".to_owned())) }
    }
}
