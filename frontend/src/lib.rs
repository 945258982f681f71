//! The pages of the shop, made from domain values. It has no SQL: a caller fills in a page of [`pages`] and renders it.

pub mod addressed;
pub mod alert_mails;
pub mod assets;
mod cover;
mod cover_picture;
mod delivery;
mod form;
pub mod format;
pub mod genres;
pub mod links;
mod locale;
pub mod mails;
mod markup;
mod page_context;
pub mod pages;
mod refund;
mod refused_file;
mod rejected;
pub mod reply_mails;
pub mod sitemap;
pub mod typed;
mod view;

pub use askama::{DynTemplate, Template};

pub use cover::cover;
pub use cover_picture::drawn_and_pictured;
pub(crate) use cover_picture::{Place, picture_of_cover};
pub use form::{Form, Trouble, pairs};
pub use locale::Locale;
pub use markup::Markup;
pub use page_context::{PageContext, cart_of, page, shop};
pub use view::{Account, CartChange, CartNote, View, WishNote, Wishlist};

/// The content security policy of pages: our own files, and nothing inline except data.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
