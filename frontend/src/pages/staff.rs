//! The pages of the staff. Every form has a key that only the session of the bookseller has.

use askama::Template;
use shared::{
    domain::{Delivery, OrderAction, OrderState, Payment, Refusal, StateChange, VisitorId},
    staff::{
        About, AuditEntry, ContactMessage, MessageReply, MessagesShown, OrdersShown, PickList, ReviewsOf, StaffOrder,
        StaffOrderInFull, StaffRating, Waiting,
    },
};

use crate::{Form, View, assets, links};

/// The pages of the staff with the keys of their names, in the order of the list that leads to them.
pub(super) const PAGES: [(&str, &str); 11] = [
    ("/staff", "staff-title"),
    ("/staff/orders", "staff-orders"),
    ("/staff/pick-list", "staff-picks"),
    ("/staff/messages", "staff-messages"),
    ("/staff/reviews", "staff-reviews"),
    ("/staff/books", "staff-books"),
    ("/staff/stock", "staff-stock"),
    ("/staff/searches", "staff-searches"),
    ("/staff/imports", "staff-imports"),
    ("/staff/log", "staff-log"),
    ("/staff/sign-out", "sign-out"),
];

/// `/staff`
#[derive(Template, Clone, Copy)]
#[template(path = "staff.html")]
pub struct StaffStart<'a> {
    pub view: View<'a>,
    /// The address of the bookseller's account.
    pub email: &'a str,
    pub waiting: Waiting,
}

/// `/staff/orders`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_orders.html")]
pub struct StaffOrders<'a> {
    pub view: View<'a>,
    pub shown: OrdersShown,
    pub orders: &'a [StaffOrder],
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/staff/orders/{number}`, also for the status 409 of an action.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_order.html")]
pub struct StaffOrderPage<'a> {
    pub view: View<'a>,
    pub order: &'a StaffOrderInFull,
    pub history: &'a [StateChange],
    /// The record of its changes by the staff, the newest first.
    pub log: &'a [AuditEntry],
    pub key: &'a str,
    pub notice: Option<StaffNotice<'a>>,
}

/// `/staff/orders/{number}/delivery-note`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_delivery_note.html")]
pub struct StaffDeliveryNote<'a> {
    pub view: View<'a>,
    pub order: &'a StaffOrderInFull,
}

/// `/staff/pick-list`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_picks.html")]
pub struct StaffPicks<'a> {
    pub view: View<'a>,
    pub list: &'a PickList,
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/staff/messages`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_messages.html")]
pub struct StaffMessages<'a> {
    pub view: View<'a>,
    pub shown: MessagesShown,
    pub search: Option<MessageSearch<'a>>,
    pub messages: &'a [ContactMessage],
    /// The cursor of the next slice.
    pub next: Option<&'a str>,
}

/// The search that found the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageSearch<'a> {
    /// The typed text. It is in no address, because addresses are in logs.
    Typed(&'a str),
    /// The sender of this message.
    SenderOf(u64),
}

/// `/staff/messages/{id}`, also for the statuses 409 and 422 of a change.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_message.html")]
pub struct StaffMessage<'a> {
    pub view: View<'a>,
    pub message: &'a ContactMessage,
    pub replies: &'a [MessageReply],
    /// Whether the shop sends mails; otherwise the bookseller's own program does.
    pub sends: bool,
    /// The record of its changes by the staff, the newest first.
    pub log: &'a [AuditEntry],
    pub form: Form<'a>,
    pub key: &'a str,
    pub notice: Option<StaffNotice<'a>>,
}

/// `/staff/reviews`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_reviews.html")]
pub struct StaffReviews<'a> {
    pub view: View<'a>,
    pub only_hidden: bool,
    /// With it, those of one visitor.
    pub of: Option<VisitorReviews>,
    pub reviews: &'a [StaffRating],
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// A visitor with the numbers of reviews that are shown and hidden, up to [`ReviewsOf::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitorReviews {
    pub visitor: VisitorId,
    pub shown: u32,
    pub hidden: u32,
}

/// `/staff/reviews?visitor=…&ask=…`: the question before all reviews of a visitor are hidden or shown again, also for the statuses
/// 409 and 422 of that.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_reviews_ask.html")]
pub struct StaffReviewsAsk<'a> {
    pub view: View<'a>,
    pub of: ReviewsOf,
    pub count: u32,
    pub form: Form<'a>,
    pub key: &'a str,
    pub notice: Option<StaffNotice<'a>>,
}

/// `/staff/reviews/{id}`, also for the statuses 409 and 422 of a change.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_review.html")]
pub struct StaffReview<'a> {
    pub view: View<'a>,
    pub review: &'a StaffRating,
    /// The record of its changes by the staff, the newest first.
    pub log: &'a [AuditEntry],
    pub form: Form<'a>,
    pub key: &'a str,
    pub notice: Option<StaffNotice<'a>>,
}

/// A form that could not be done now or is too long, with what was typed: for the statuses 413 and 503 of all forms of the staff,
/// because the page of such a form cannot be read without the database.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_again.html")]
pub struct StaffAgain<'a> {
    pub view: View<'a>,
    pub form: Form<'a>,
}

/// `/staff/log`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_log.html")]
pub struct StaffLog<'a> {
    pub view: View<'a>,
    pub entries: &'a [AuditEntry],
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// Why a change by the staff has not happened, or not wholly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffNotice<'a> {
    /// Somebody has changed it since the form was shown. The page has it as it is now.
    Changed,
    /// The bookseller has signed in again since.
    Expired,
    /// The checked file is no longer kept.
    FileGone,
    /// The book has lost its file, which could not be removed from the bucket.
    StillInBucket,
    Refused(&'a Refusal),
}

impl StaffNotice<'_> {
    pub(super) fn text(self, view: View) -> String {
        match self {
            Self::Changed => view.text("staff-changed"),
            Self::Expired => view.text("staff-expired"),
            Self::FileGone => view.text("staff-file-gone"),
            Self::StillInBucket => view.text("staff-file-still-there"),
            Self::Refused(Refusal::NotFrom { from, .. }) => {
                view.text_with("staff-refused-state", "state", view.order_state(*from))
            }
            Self::Refused(Refusal::TooManyCopies { left }) => view.count("staff-refused-copies", *left),
            Self::Refused(Refusal::NoSuchLine { .. }) => view.text("staff-refused-line"),
            Self::Refused(Refusal::Paid) => view.text("staff-refused-paid"),
            Self::Refused(Refusal::NoSuchOrder | Refusal::NotTheBuyer) => view.text("staff-refused"),
        }
    }
}

/// The address of a list of orders.
fn list_address(shown: OrdersShown) -> String {
    match shown {
        OrdersShown::Open => "/staff/orders".to_owned(),
        shown => links::address("/staff/orders", [("show", shown.code())].into_iter()),
    }
}

/// Names that several pages of the staff show.
impl View<'_> {
    /// The name of a list of orders.
    fn orders_list(&self, shown: OrdersShown) -> String {
        match shown {
            OrdersShown::Open => self.text("staff-orders-open"),
            OrdersShown::ToPick => self.text("staff-orders-to-pick"),
            OrdersShown::ToShip => self.text("staff-orders-to-ship"),
            OrdersShown::Withdrawn => self.text("staff-orders-withdrawn"),
            OrdersShown::InState(state) => self.order_state(state),
            OrdersShown::All => self.text("staff-orders-all"),
        }
    }

    /// A number that was counted up to a largest one.
    fn at_most(&self, count: u32, most: u32) -> String {
        let number = self.number(count);
        if count >= most { self.text_with("staff-at-least", "count", number) } else { number }
    }

    /// How an order is delivered, in a few words.
    fn delivered(&self, delivery: Delivery) -> String {
        self.text(match delivery {
            Delivery::Collect => "staff-collect",
            Delivery::Ship => "staff-ship",
        })
    }

    /// How an order is paid, and whether it is.
    fn paid_by(&self, order: &StaffOrder) -> String {
        let how = self.text(match order.payment {
            Payment::OnCollection => "pay-on-collection",
            Payment::OnDelivery => "pay-on-delivery",
            Payment::BankTransfer => "paid-by-transfer",
        });
        let paid = self.text(if order.is_paid { "staff-paid" } else { "staff-unpaid" });
        format!("{how} ({paid})")
    }

    /// The name of an action of the staff.
    pub(super) fn deed(&self, entry: &AuditEntry) -> String {
        self.text(match entry.action.as_str() {
            "paid" => "staff-did-paid",
            "ready" => "staff-did-ready",
            "shipped" => "staff-did-shipped",
            "collected" => "staff-did-collected",
            "delivered" => "staff-did-delivered",
            "cancel" => "staff-did-cancel",
            "return" => "staff-did-return",
            "answered" => "staff-did-answered",
            "reopen" => "staff-did-reopen",
            "reply" => "staff-did-reply",
            "hide" => "staff-did-hide",
            "unhide" => "staff-did-unhide",
            "add" => "staff-did-add",
            "change" => "staff-did-change",
            "withdraw" => "staff-did-withdraw",
            "put-back" => "staff-did-put-back",
            "received" => "staff-did-received",
            "counted" => "staff-did-counted",
            "damaged" => "staff-did-damaged",
            "cover" => "staff-did-cover",
            "cover-removed" => "staff-did-cover-removed",
            "sample" => "staff-did-sample",
            "sample-removed" => "staff-did-sample-removed",
            "preview" => "staff-did-preview",
            "import" => "staff-did-import",
            // Of a later version.
            other => return other.to_owned(),
        })
    }

    /// The address and the name of what an action was about.
    pub(super) fn deed_about(&self, entry: &AuditEntry) -> Option<(String, String)> {
        let named = |key, number: String| self.text_with(key, "number", number);
        Some(match entry.about? {
            About::Order(number) => (format!("/staff/orders/{number}"), named("account-order", number.to_string())),
            About::Message(id) => (format!("/staff/messages/{id}"), named("staff-message", id.to_string())),
            About::Review(id) => (format!("/staff/reviews/{id}"), named("staff-review", id.to_string())),
            About::Book(id) => (format!("/staff/books/{id}"), named("staff-book", id.to_string())),
            About::Import(id) => (format!("/staff/imports/{id}"), named("staff-preview", id.to_string())),
        })
    }
}

impl StaffStart<'_> {
    /// The waiting tasks: the address of the list, its name, and the number.
    fn waits(&self) -> Vec<(String, String, String)> {
        let waiting = self.waiting;
        let orders = [
            (OrdersShown::ToPick, waiting.to_pick),
            (OrdersShown::ToShip, waiting.to_ship),
            (OrdersShown::InState(OrderState::AwaitingPayment), waiting.to_pay),
            (OrdersShown::InState(OrderState::Ready), waiting.ready),
            (OrdersShown::InState(OrderState::Shipped), waiting.shipped),
            (OrdersShown::Withdrawn, waiting.withdrawn),
        ];
        let orders = orders.map(|(shown, count)| (list_address(shown), self.view.orders_list(shown), count));
        let messages = ("/staff/messages".to_owned(), self.view.text("staff-messages-open"), waiting.messages);
        let previews = ("/staff/imports".to_owned(), self.view.text("staff-previews"), waiting.previews);
        let all = orders.into_iter().chain([messages, previews]).filter(|(.., count)| *count > 0);
        all.map(|(address, name, count)| (address, name, self.view.at_most(count, Waiting::MOST))).collect()
    }
}

impl StaffOrders<'_> {
    /// The address of the list from its beginning.
    fn newest(&self) -> String {
        list_address(self.shown)
    }

    /// The lists of orders with something to do, or the others: their addresses and names, and whether it is this one.
    fn lists(&self, to_do: bool) -> Vec<(String, String, bool)> {
        let lists = OrdersShown::LISTS.into_iter().filter(|list| list.is_to_do() == to_do);
        lists.map(|list| (list_address(list), self.view.orders_list(list), list == self.shown)).collect()
    }
}

impl StaffOrderPage<'_> {
    fn action(&self) -> String {
        format!("/staff/orders/{}", self.order.order.number)
    }

    /// Actions about the whole order that its state allows, with their codes and the keys of their names.
    fn actions(&self) -> Vec<(&'static str, &'static str)> {
        let order = &self.order.order;
        let actions = [
            (OrderAction::Paid, "paid", "staff-do-paid"),
            (OrderAction::Ready, "ready", "staff-do-ready"),
            (OrderAction::Shipped, "shipped", "staff-do-shipped"),
            (OrderAction::Collected, "collected", "staff-do-collected"),
            (OrderAction::Delivered, "delivered", "staff-do-delivered"),
        ];
        let is_possible = |action: OrderAction| order.state.can_become(action.leads_to(), order.delivery);
        actions.into_iter().filter(|(action, ..)| is_possible(*action)).map(|(_, code, key)| (code, key)).collect()
    }

    /// The action that takes copies back, with the keys of its name, its explanation, and its buttons for copies and for all; none
    /// if there are no copies to take back.
    fn takes_back(&self) -> Option<TakesBack> {
        let order = &self.order.order;
        let is_possible = |state| order.state.can_become(state, order.delivery) && order.copies > 0;
        if is_possible(OrderState::Cancelled) {
            return Some(TakesBack {
                code: "cancel",
                title: "staff-cancel",
                copies: "staff-cancel-copies",
                all: "staff-cancel-all",
            });
        }
        is_possible(OrderState::Returned).then_some(TakesBack {
            code: "return",
            title: "staff-return",
            copies: "staff-return-copies",
            all: "staff-return-all",
        })
    }
}

/// An action that takes copies back, with the keys of its texts.
struct TakesBack {
    code: &'static str,
    title: &'static str,
    copies: &'static str,
    all: &'static str,
}

impl StaffMessages<'_> {
    /// The lists with their addresses and names, and whether it is this one.
    fn lists(&self) -> Vec<(String, String, bool)> {
        let lists = MessagesShown::LISTS.into_iter();
        lists.map(|list| (self.address(list, None), self.name(list), list == self.shown && !self.is_typed())).collect()
    }

    fn name(&self, list: MessagesShown) -> String {
        self.view.text(match list {
            MessagesShown::Open => "staff-messages-open",
            MessagesShown::Answered => "staff-messages-answered",
            MessagesShown::All => "staff-messages-all",
        })
    }

    fn is_typed(&self) -> bool {
        matches!(self.search, Some(MessageSearch::Typed(_)))
    }

    fn typed(&self) -> &str {
        match self.search {
            Some(MessageSearch::Typed(typed)) => typed,
            _ => "",
        }
    }

    fn sender_of(&self) -> Option<u64> {
        match self.search {
            Some(MessageSearch::SenderOf(message)) => Some(message),
            _ => None,
        }
    }

    /// The address of the list from its beginning.
    fn newest(&self) -> String {
        self.address(self.shown, None)
    }

    /// The address of the next slice; none of a search, whose words are in no address.
    fn next_address(&self) -> Option<String> {
        let cursor = self.next.filter(|_| !self.is_typed())?;
        Some(self.address(self.shown, Some(cursor)))
    }

    /// The choices of a search.
    fn choices(&self) -> Vec<(&'static str, String, bool)> {
        let lists = [MessagesShown::All, MessagesShown::Open, MessagesShown::Answered].into_iter();
        lists.map(|list| (list.code(), self.name(list), self.is_typed() && list == self.shown)).collect()
    }

    /// The address of a list, of the sender if it is about one.
    fn address(&self, list: MessagesShown, cursor: Option<&str>) -> String {
        let sender = self.sender_of().map(|id| id.to_string());
        let usual = if sender.is_some() { MessagesShown::All } else { MessagesShown::Open };
        let show = (list != usual).then_some(("show", list.code()));
        let parameters = show.into_iter().chain(sender.as_deref().map(|id| ("sender", id)));
        links::address("/staff/messages", parameters.chain(cursor.map(|cursor| ("cursor", cursor))))
    }
}

impl StaffReviews<'_> {
    /// The actions on all reviews of a visitor: the address of the question, and its name.
    fn of_all(&self) -> Vec<(String, String)> {
        let Some(of) = self.of else { return Vec::new() };
        let asked = [("hide", "staff-hide-all", of.shown), ("unhide", "staff-unhide-all", of.hidden)];
        let asked = asked.into_iter().filter(|(.., count)| *count > 0);
        asked
            .map(|(ask, key, count)| {
                let address = format!("{}&ask={ask}", links::reviews_of(of.visitor));
                (address, self.view.text_with(key, "count", self.view.at_most(count, ReviewsOf::MOST)))
            })
            .collect()
    }
}

impl StaffReviewsAsk<'_> {
    /// Microseconds since 1970.
    fn until(&self) -> i128 {
        self.of.until.unix_timestamp_nanos() / 1_000
    }

    fn title(&self) -> String {
        let key = if self.of.hides { "staff-hide-all" } else { "staff-unhide-all" };
        self.view.text_with(key, "count", self.view.at_most(self.count, ReviewsOf::MOST))
    }
}

impl StaffReview<'_> {
    /// A reason that was typed and not used, where the form has no field for it: the review is hidden by now.
    fn unused_reason(&self) -> Option<&str> {
        let reason = self.form.value("reason");
        (self.notice.is_some() && self.review.hidden_at.is_some() && !reason.is_empty()).then_some(reason)
    }
}

impl StaffMessage<'_> {
    /// The name of the language in which an answer is framed.
    fn language(&self) -> String {
        self.view.language(self.message.language.as_deref().unwrap_or(self.view.locale.tag()))
    }

    /// The address with which a mail program begins an answer.
    fn reply(&self) -> String {
        links::mailto(&self.message.email, &format!("Re: {}", self.message.subject))
    }
}

impl StaffAgain<'_> {
    /// Whether a field is shown: the text that would be the most work to type again. The others are sent again as they are.
    fn shows(&self, name: &str) -> bool {
        let longest = self.form.typed.iter().max_by_key(|(_, value)| value.len());
        longest.is_some_and(|(longest, value)| *longest == name && value.len() > LONG)
    }
}

/// Bytes from which a value is worth showing again: keys and versions are shorter.
const LONG: usize = 80;
