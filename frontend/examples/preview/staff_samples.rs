//! Samples of the pages of the staff in each state.

use frontend::{
    DynTemplate, Form, Trouble, View,
    pages::{
        BookNotice, FormKeys, GoodsIn, ImportNotice, MessageSearch, StaffAgain, StaffBookPage, StaffBooks,
        StaffDeliveryNote, StaffFiles, StaffImportPage, StaffImports, StaffLog, StaffMessage, StaffMessages,
        StaffNewBook, StaffNotice, StaffOrderPage, StaffOrders, StaffPicks, StaffReview, StaffReviews, StaffReviewsAsk,
        StaffSearches, StaffStart, StaffStock, StaffUpload, StaffUploaded, UploadState, VisitorReviews,
    },
};
use shared::{
    domain::{
        Book, BookFacts, Count, Counts, Delivery, FactChange, Invalid, Isbn13, Money, OrderNumber, OrderState, Payment,
        Reason, Refusal, StateChange, Summary, VisitorId,
    },
    presigned_form::PresignedForm,
    session::Subject,
    staff::{
        About, AuditEntry, BookChange, ContactMessage, CopiesLeft, Difference, Doubt, FileVersion, MessageReply,
        MessagesShown, OrdersShown, Pick, PickList, ReviewsOf, RowRemark, SearchMiss, StaffBook, StaffImport,
        StaffOrder, StaffOrderInFull, StaffOrderLine, StaffRating, StockMovement, Waiting,
    },
    uploads::{ActiveContent, CoverFiles, Refusal as Refused, SampleFile, Size, UploadKey, UploadKind},
};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

const MOMENT: OffsetDateTime = datetime!(2026-11-20 18:30 UTC);
const KEY: &str = "0798fa3e-40c5-8d4b-9f7a-52f6d6a1b7ce";
const HOSTILE: &str = "<script>alert('x')</script> \u{202e}ana & \"co\"";

/// Shows the pages with these books and one with hostile text.
pub fn every_page(view: View, books: &[Summary], hostile: &Summary, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let waiting = Waiting {
        to_pick: 3,
        to_ship: 1,
        to_pay: Waiting::MOST,
        ready: 2,
        shipped: 9,
        withdrawn: 1,
        messages: 4,
        previews: 2,
    };
    let start = StaffStart { view: at("/staff"), email: "librera@shop.example", waiting };
    show("staff", &start);
    show("staff-idle", &StaffStart { waiting: Waiting::default(), ..start });

    let text = HOSTILE.repeat(3);
    let typed = [("key", KEY), ("do", "reply"), ("reply", &text)];
    for (name, trouble) in [("503", Trouble::Unavailable), ("413", Trouble::TooLarge)] {
        let form = Form { typed: &typed, trouble: Some(trouble), ..Form::default() };
        show(&format!("staff-again-{name}"), &StaffAgain { view: at("/staff/messages/7"), form });
    }
    let form = Form { typed: &typed[..2], trouble: Some(Trouble::Unavailable), ..Form::default() };
    show("staff-again-short", &StaffAgain { view: at("/staff/messages/7"), form });

    let log = log();
    orders(view, books, hostile, &log, show);
    finding(view, books, show);
    one_book(view, &log, show);
    stock(view, show);
    imports(view, &log, show);

    let picks: Vec<Pick> = books.iter().take(3).chain([hostile]).map(pick).collect();
    let list = PickList { picks, orders: 2, next: None };
    let page = StaffPicks { view: at("/staff/pick-list"), list: &list, next: None };
    show("staff-pick-list", &page);
    let continued = View { query: "cursor=x", ..at("/staff/pick-list") };
    show("staff-pick-list-more", &StaffPicks { view: continued, next: Some("/staff/pick-list?cursor=y"), ..page });
    show("staff-pick-list-empty", &StaffPicks { list: &PickList::default(), ..page });

    messages(view, &log, show);
    reviews(view, &log, show);

    show("staff-log", &StaffLog { view: at("/staff/log"), entries: &log, next: Some("/staff/log?cursor=x") });
    let continued = View { query: "cursor=x", ..at("/staff/log") };
    show("staff-log-end", &StaffLog { view: continued, entries: &[], next: None });
}

fn messages(view: View, log: &[AuditEntry], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let messages = [message(None), message(Some(MOMENT))];
    let list = StaffMessages {
        view: at("/staff/messages"),
        shown: MessagesShown::Open,
        search: None,
        messages: &messages[..1],
        next: Some("x"),
    };
    show("staff-messages", &list);
    let continued = View { query: "show=all&cursor=x", ..at("/staff/messages") };
    let all = StaffMessages { view: continued, shown: MessagesShown::All, messages: &messages, next: None, ..list };
    show("staff-messages-all", &all);
    show("staff-messages-none", &StaffMessages { messages: &[], next: None, ..list });
    let typed = Some(MessageSearch::Typed(HOSTILE));
    show("staff-messages-found", &StaffMessages { shown: MessagesShown::Answered, search: typed, ..list });
    let of_sender = View { query: "sender=7", ..at("/staff/messages") };
    let search = Some(MessageSearch::SenderOf(7));
    show("staff-messages-sender", &StaffMessages { view: of_sender, shown: MessagesShown::All, search, ..list });

    let reply = |id, sent_at, failure: Option<&str>| MessageReply {
        id,
        text: format!("Sí, abrimos.\n{HOSTILE}"),
        is_copied: id == 1,
        created_at: MOMENT,
        sent_at,
        failure: failure.map(str::to_owned),
    };
    let replies =
        [reply(1, Some(MOMENT), None), reply(2, Some(MOMENT), Some("bounce: no such mailbox")), reply(3, None, None)];
    let page = StaffMessage {
        view: at("/staff/messages/7"),
        message: &messages[0],
        replies: &[],
        sends: true,
        log: &[],
        form: Form::default(),
        key: KEY,
        notice: None,
    };
    show("staff-message", &page);
    show("staff-message-without-mails", &StaffMessage { sends: false, ..page });
    let missing = [Invalid::new("reply", Reason::Blank)];
    show("staff-message-422", &StaffMessage { form: Form { invalid: &missing, ..Form::default() }, ..page });
    let answered = StaffMessage { message: &messages[1], replies: &replies, log, ..page };
    show("staff-message-answered", &answered);
    let typed = [("reply", HOSTILE), ("copy", "yes")];
    let form = Form { typed: &typed, ..Form::default() };
    show("staff-message-changed", &StaffMessage { form, notice: Some(StaffNotice::Changed), ..answered });
    show("staff-message-expired", &StaffMessage { form, notice: Some(StaffNotice::Expired), ..page });
}

fn reviews(view: View, log: &[AuditEntry], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let reviews = [review(None), review(Some(MOMENT))];
    let next = Some("/staff/reviews?cursor=x");
    let list = StaffReviews { view: at("/staff/reviews"), only_hidden: false, of: None, reviews: &reviews, next };
    show("staff-reviews", &list);
    let continued = View { query: "show=hidden&cursor=x", ..at("/staff/reviews") };
    let hidden = StaffReviews { view: continued, only_hidden: true, reviews: &reviews[1..], next: None, ..list };
    show("staff-reviews-hidden", &hidden);
    show("staff-reviews-none", &StaffReviews { reviews: &[], next: None, ..list });
    let page = StaffReview {
        view: at("/staff/reviews/9"),
        review: &reviews[0],
        log: &[],
        form: Form::default(),
        key: KEY,
        notice: None,
    };
    show("staff-review", &page);
    let missing = [Invalid::new("reason", Reason::Blank)];
    show("staff-review-422", &StaffReview { form: Form { invalid: &missing, ..Form::default() }, ..page });
    let typed = [("reason", HOSTILE)];
    let form = Form { typed: &typed, ..Form::default() };
    show("staff-review-expired", &StaffReview { form, notice: Some(StaffNotice::Expired), ..page });
    let hidden = StaffReview { review: &reviews[1], log, ..page };
    show("staff-review-hidden", &hidden);
    show("staff-review-changed", &StaffReview { form, notice: Some(StaffNotice::Changed), ..hidden });

    let visitor = VisitorId(Uuid::from_u128(7));
    let of_visitor = View { query: "visitor=00000000-0000-0000-0000-000000000007", ..at("/staff/reviews") };
    let of = Some(VisitorReviews { visitor, shown: ReviewsOf::MOST, hidden: 1 });
    show("staff-reviews-visitor", &StaffReviews { view: of_visitor, of, ..list });
    let hide = View { query: "visitor=00000000-0000-0000-0000-000000000007&ask=hide", ..at("/staff/reviews") };
    let of = ReviewsOf { visitor, hides: true, until: MOMENT };
    let ask = StaffReviewsAsk { view: hide, of, count: 3, form: Form::default(), key: KEY, notice: None };
    show("staff-reviews-hide-all", &ask);
    show("staff-reviews-hide-all-422", &StaffReviewsAsk { form: Form { invalid: &missing, ..Form::default() }, ..ask });
    show("staff-reviews-hide-all-changed", &StaffReviewsAsk { form, notice: Some(StaffNotice::Changed), ..ask });
    show("staff-reviews-unhide-all", &StaffReviewsAsk { of: ReviewsOf { hides: false, ..of }, ..ask });
    show("staff-reviews-hide-none", &StaffReviewsAsk { count: 0, ..ask });
}

/// Shows the pages of a book's files, of one with a cover and a sample chapter, and of one with hostile text and without them.
pub fn files(view: View, book: &Book, hostile: &Book, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let path = format!("/staff/books/{}/files", book.summary.id);
    let upload = UploadKey { kind: UploadKind::Cover, id: Uuid::from_u128(7) };
    let fields = ["key", "success_action_redirect", "x-amz-date", "policy", "x-amz-signature"];
    let form = PresignedForm {
        action: "https://files.s3.example/".to_owned(),
        fields: fields.map(|name| (name.to_owned(), HOSTILE.to_owned())).to_vec(),
    };
    let log = log();
    let with = StaffFiles {
        view: View { path: &path, ..view },
        book,
        cover_form: &form,
        sample_form: &form,
        log: &log,
        last_changes: [7, 0],
        key: KEY,
        notice: None,
    };
    show("staff-files", &with);
    show("staff-files-none", &StaffFiles { book: hostile, log: &[], ..with });
    show("staff-files-changed", &StaffFiles { notice: Some(StaffNotice::Changed), ..with });
    let left = StaffFiles { book: hostile, notice: Some(StaffNotice::StillInBucket), ..with };
    show("staff-files-still-in-bucket", &left);

    let path = format!("{path}/{}", upload.segments());
    let checked = CoverFiles::new("a".repeat(32), Size { width: 640, height: 940 });
    let pending = StaffUpload {
        view: View { path: &path, ..view },
        book,
        upload,
        etag: "\"0a1b\"",
        last_change: 7,
        state: UploadState::Pending,
        form: Form::default(),
        key: KEY,
        notice: None,
    };
    show("staff-upload", &pending);
    show("staff-upload-unknown", &StaffUpload { state: UploadState::Unknown, ..pending });
    let cover = StaffUpload { state: UploadState::Cover(&checked), ..pending };
    show("staff-upload-cover", &cover);
    let too_long = [Invalid::new("credit", Reason::TooLong { max: 200, length: 201 })];
    let typed = [("credit", HOSTILE)];
    let form = Form { typed: &typed, invalid: &too_long, ..Form::default() };
    show("staff-upload-422", &StaffUpload { form, ..cover });
    let form = Form { invalid: &[], ..form };
    show("staff-upload-changed", &StaffUpload { form, notice: Some(StaffNotice::Changed), book: hostile, ..cover });
    show("staff-upload-gone", &StaffUpload { notice: Some(StaffNotice::FileGone), ..cover });
    let sample = SampleFile { hash: "c".repeat(32), bytes: 840_000, pages: 12 };
    let upload = UploadKey { kind: UploadKind::Sample, ..upload };
    show("staff-upload-sample", &StaffUpload { upload, state: UploadState::Sample(&sample), ..pending });
    for (name, refusal) in
        [("narrow", Refused::TooNarrow { width: 120 }), ("script", Refused::Active { content: ActiveContent::Script })]
    {
        show(&format!("staff-upload-{name}"), &StaffUpload { state: UploadState::Refused(&refusal), ..pending });
    }
}

fn orders(
    view: View,
    books: &[Summary],
    hostile: &Summary,
    log: &[AuditEntry],
    show: &mut impl FnMut(&str, &dyn DynTemplate),
) {
    let at = |path| View { path, ..view };
    let all: Vec<StaffOrder> = OrderState::ALL.into_iter().skip(1).map(|state| order(state, Delivery::Ship)).collect();
    let next = Some("/staff/orders?show=open&cursor=x");
    let list = StaffOrders { view: at("/staff/orders"), shown: OrdersShown::Open, orders: &all, next };
    show("staff-orders", &list);
    let continued = View { query: "show=to-pick&cursor=x", ..at("/staff/orders") };
    let end = StaffOrders { view: continued, shown: OrdersShown::ToPick, orders: &[], next: None };
    show("staff-orders-end", &end);

    let history = [
        StateChange { state: OrderState::Received, at: MOMENT },
        StateChange { state: OrderState::Confirmed, at: MOMENT + Duration::MINUTE },
    ];
    let path = "/staff/orders/100042";
    for (name, state, delivery) in [
        ("to-pay", OrderState::AwaitingPayment, Delivery::Ship),
        ("to-pick", OrderState::Confirmed, Delivery::Collect),
        ("to-ship", OrderState::Confirmed, Delivery::Ship),
        ("ready", OrderState::Ready, Delivery::Collect),
        ("shipped", OrderState::Shipped, Delivery::Ship),
        ("delivered", OrderState::Delivered, Delivery::Ship),
        ("cancelled", OrderState::Cancelled, Delivery::Ship),
        ("rejected", OrderState::Rejected, Delivery::Ship),
    ] {
        let order = in_full(order(state, delivery), books, hostile);
        let page = StaffOrderPage { view: at(path), order: &order, history: &history, log, key: KEY, notice: None };
        show(&format!("staff-order-{name}"), &page);
    }
    let order = in_full(order(OrderState::Cancelled, Delivery::Collect), books, hostile);
    let page = StaffOrderPage { view: at(path), order: &order, history: &history, log: &[], key: KEY, notice: None };
    let state = Refusal::NotFrom { from: OrderState::Cancelled, to: OrderState::Ready };
    for (name, notice) in [
        ("changed", StaffNotice::Changed),
        ("expired", StaffNotice::Expired),
        ("refused-state", StaffNotice::Refused(&state)),
        ("refused-copies", StaffNotice::Refused(&Refusal::TooManyCopies { left: 1 })),
        ("refused-line", StaffNotice::Refused(&Refusal::NoSuchLine { book: hostile.id })),
        ("refused-paid", StaffNotice::Refused(&Refusal::Paid)),
        ("refused", StaffNotice::Refused(&Refusal::NoSuchOrder)),
    ] {
        show(&format!("staff-order-{name}"), &StaffOrderPage { notice: Some(notice), ..page });
    }
    let note = View { path: "/staff/orders/100042/delivery-note", ..view };
    show("staff-delivery-note", &StaffDeliveryNote { view: note, order: &order });
}

fn finding(view: View, books: &[Summary], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let empty = StaffBooks { view: at("/staff/books"), form: Form::default(), numbered: None, books: &[], next: None };
    show("staff-books", &empty);
    let typed = [("find", "1984")];
    let form = Form { typed: &typed, ..Form::default() };
    let next = Some("/staff/books?find=1984&cursor=x");
    show("staff-books-found", &StaffBooks { form, numbered: Some(&books[1]), books, next, ..empty });
    let continued = View { query: "find=1984&cursor=x", ..at("/staff/books") };
    show("staff-books-none", &StaffBooks { view: continued, form, ..empty });
    let invalid = [Invalid::new("find", Reason::WrongCheckDigit { digits: 13 })];
    show("staff-books-mistyped", &StaffBooks { form: Form { invalid: &invalid, ..form }, ..empty });

    let miss = |query: &str, searches| SearchMiss { query: query.to_owned(), searches, last_at: MOMENT };
    let misses = [miss("zafon viento", 12), miss(HOSTILE, 1)];
    show("staff-searches", &StaffSearches { view: at("/staff/searches"), misses: &misses });
    show("staff-searches-none", &StaffSearches { view: at("/staff/searches"), misses: &[] });
}

const KEYS: FormKeys<'static> = FormKeys { session: KEY, version: "0123456789abcdef", once: KEY };

fn one_book(view: View, log: &[AuditEntry], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let genres = ["classics", "poetry", "new-weird"].map(|slug| Count { value: slug.to_owned(), count: 3 });
    let book = staff_book();
    let typed = [
        ("title", HOSTILE),
        ("authors", "Ernesto Sabato; Nadie"),
        ("price", "mucho"),
        ("genre-poetry", "yes"),
        ("description", HOSTILE),
    ];
    let form = Form { typed: &typed, ..Form::default() };
    let movement = |kind: &str, quantity, reason: Option<&str>| StockMovement {
        id: 1,
        kind: kind.to_owned(),
        quantity,
        source: "staff:x".to_owned(),
        reason: reason.map(str::to_owned),
        moved_at: MOMENT,
    };
    let movements = [
        movement("damaged", -1, Some(HOSTILE)),
        movement("counted", 0, Some("inventario")),
        movement("returned", 1, None),
        movement("released", 1, None),
        movement("sold", -2, None),
        movement("received", 10, Some("albarán 4711")),
        movement("opening", 3, None),
        movement("gift", -1, None),
    ];
    let page = StaffBookPage {
        view: at("/staff/books/53"),
        book: &book,
        form,
        genres: &genres,
        stock: Form::default(),
        sale: Form::default(),
        movements: &movements,
        log,
        keys: KEYS,
        notice: None,
    };
    show("staff-book", &page);
    let reference = "el-tunel".to_owned();
    let withdrawn = StaffBook { is_withdrawn: true, stock: 0, sold: 0, reference, ..book.clone() };
    show("staff-book-withdrawn", &StaffBookPage { book: &withdrawn, movements: &[], log: &[], ..page });
    let all =
        ["title", "authors", "isbn", "price", "fixed_price", "vat_rate", "genres", "language", "year", "publisher"];
    let unread = |field: &&str| Invalid::other(*field, "must be something else");
    let invalid: Vec<Invalid> =
        all.iter().map(unread).chain([Invalid::new("price", Reason::OutsideFixedPrice)]).collect();
    show("staff-book-422", &StaffBookPage { form: Form { invalid: &invalid, ..form }, ..page });
    let differences = [fact_change("price", "19.95", "17.50"), fact_change("description", HOSTILE, "")];
    let price = Doubt::Price { before: euro(1_995), after: euro(199_500) };
    let doubts = [Doubt::NewGenre("new-weird".to_owned()), price, Doubt::NoPrice(euro(1_995))];
    let typed_stock = [("kind", "damaged"), ("copies", "9"), ("reason", HOSTILE)];
    let stock = Form { typed: &typed_stock, ..Form::default() };
    for (name, notice) in [
        ("changed", BookNotice::Changed(&differences)),
        ("changed-state", BookNotice::Changed(&[])),
        ("expired", BookNotice::Expired),
        ("isbn-taken", BookNotice::IsbnTaken(54.into(), HOSTILE)),
        ("too-few", BookNotice::TooFew { stock: 4, set_aside: 0 }),
        ("waited-for", BookNotice::TooFew { stock: 1, set_aside: 2 }),
        ("none-left", BookNotice::TooFew { stock: 0, set_aside: 0 }),
        ("counted-before", BookNotice::CountedBefore),
        ("doubts", BookNotice::Doubts(&doubts)),
    ] {
        show(&format!("staff-book-{name}"), &StaffBookPage { notice: Some(notice), stock, ..page });
    }
    let missing = [Invalid::new("why", Reason::Blank)];
    let sale = Form { invalid: &missing, ..Form::default() };
    show("staff-book-without-reason", &StaffBookPage { sale, ..page });
    let missing = ["kind", "copies", "reason"].map(|field| Invalid::other(field, "must be something else"));
    show("staff-book-copies-422", &StaffBookPage { stock: Form { invalid: &missing, ..stock }, ..page });

    let typed = [("isbn", "9788420467283")];
    let form = Form { typed: &typed, ..Form::default() };
    let page = StaffNewBook { view: at("/staff/books/new"), form, genres: &genres, keys: KEYS, notice: None };
    show("staff-book-new", &page);
    let missing = ["title", "authors"].map(|field| Invalid::new(field, Reason::Blank));
    show("staff-book-new-422", &StaffNewBook { form: Form { invalid: &missing, ..form }, ..page });
    let taken = [Invalid::new("isbn", Reason::Taken)];
    let notice = Some(BookNotice::IsbnTaken(54.into(), HOSTILE));
    show("staff-book-new-taken", &StaffNewBook { form: Form { invalid: &taken, ..form }, notice, ..page });
    for (name, notice) in [("before", BookNotice::AddedBefore(54.into())), ("doubts", BookNotice::Doubts(&doubts[..1]))]
    {
        show(&format!("staff-book-new-{name}"), &StaffNewBook { notice: Some(notice), ..page });
    }
}

fn stock(view: View, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let book = staff_book();
    let left = |sold, is_withdrawn| CopiesLeft {
        id: 53.into(),
        title: HOSTILE.to_owned(),
        byline: "Ernesto Sabato".to_owned(),
        isbn: Some("9788420467283".to_owned()),
        copies: 0,
        sold,
        is_withdrawn,
    };
    let books = [left(7, false), left(1, true)];
    let page = StaffStock {
        view: at("/staff/stock"),
        form: Form::default(),
        goods: GoodsIn::Waiting,
        copies: 0,
        books: &books,
        next: Some("/staff/stock?copies=0&cursor=x"),
        keys: KEYS,
        notice: None,
    };
    show("staff-stock", &page);
    let continued = View { query: "copies=3&cursor=x", ..at("/staff/stock") };
    show("staff-stock-end", &StaffStock { view: continued, copies: 3, books: &[], next: None, ..page });
    let typed = [("reason", HOSTILE)];
    let form = Form { typed: &typed, ..Form::default() };
    let withdrawn = StaffBook { is_withdrawn: true, ..book.clone() };
    for (name, goods) in [
        ("found", GoodsIn::Found(&book)),
        ("found-withdrawn", GoodsIn::Found(&withdrawn)),
        ("unknown", GoodsIn::Unknown("9788420467283")),
        ("done", GoodsIn::Done { book: &book, movement: &received(3), again: false }),
        ("done-one", GoodsIn::Done { book: &book, movement: &received(1), again: true }),
    ] {
        show(&format!("staff-stock-{name}"), &StaffStock { goods, form, ..page });
    }
    let invalid = [Invalid::other("copies", "must be a whole number")];
    let goods = GoodsIn::Found(&book);
    show("staff-stock-422", &StaffStock { goods, form: Form { invalid: &invalid, ..form }, ..page });
    for (name, notice) in [("expired", BookNotice::Expired), ("counted-before", BookNotice::CountedBefore)] {
        show(&format!("staff-stock-{name}"), &StaffStock { goods, form, notice: Some(notice), ..page });
    }
    let invalid = [Invalid::new("find", Reason::WrongCheckDigit { digits: 10 })];
    let typed = [("find", "8420467287")];
    let form = Form { typed: &typed, invalid: &invalid, trouble: None };
    show("staff-stock-mistyped", &StaffStock { form, ..page });
}

fn received(copies: i32) -> StockMovement {
    StockMovement {
        id: 7,
        kind: "received".to_owned(),
        quantity: copies,
        source: "staff:0b0fd2bd".to_owned(),
        reason: None,
        moved_at: MOMENT,
    }
}

fn staff_book() -> StaffBook {
    StaffBook {
        id: 53.into(),
        reference: "goodbooks:53".to_owned(),
        facts: BookFacts {
            title: HOSTILE.to_owned(),
            authors: vec!["Ernesto Sabato".to_owned()],
            isbn: Isbn13::parse("9788420467283").ok(),
            price: Some(euro(1_995)),
            fixed_price: None,
            tax_rate: None,
            genres: vec!["classics".to_owned()],
            language: None,
            year: Some(1948),
            publisher: None,
            publisher_contact: None,
            description: None,
        },
        stock: 4,
        sold: 1,
        is_withdrawn: false,
        last_change: 7,
    }
}

fn imports(view: View, log: &[AuditEntry], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let at = |path| View { path, ..view };
    let fields = [("key", "previews/0b0fd2bd.csv"), ("policy", "eyJ4IjoiPCJ9"), ("x-amz-signature", "8afdbf40")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let form = PresignedForm { action: "https://imports.s3.us-east-1.amazonaws.com/".to_owned(), fields };
    let now = MOMENT + Duration::MINUTE;
    let read = import("previews/0b0fd2bd.csv", Some(MOMENT));
    let running = import("previews/0b0fd2bd.csv", None);
    let failure = Some(format!("the header matches neither format; it has {HOSTILE}"));
    let failed = StaffImport { failure, counts: Counts::default(), ..read.clone() };
    let run = import("incoming/previewed/7.csv", Some(MOMENT));
    let of_command = import("incoming/2026-11-24T06-39-25.676Z-<b>nuevo</b>.csv", Some(MOMENT));
    let asked = StaffImport { run_at: Some(MOMENT), ..read.clone() };
    let all = [of_command.clone(), run.clone(), asked.clone(), failed.clone(), running.clone(), read.clone()];
    let next = Some("/staff/imports?cursor=x");
    let list = StaffImports { view: at("/staff/imports"), form: &form, imports: &all, now, next };
    show("staff-imports", &list);
    let continued = View { query: "cursor=x", ..at("/staff/imports") };
    show("staff-imports-none", &StaffImports { view: continued, imports: &[], next: None, ..list });
    show("staff-uploaded", &StaffUploaded { view: at("/staff/imports/uploads/0b0fd2bd-5e6f-8d5e-8a39-3b8e2ae7f2a1") });

    let changes = [(2, change(false)), (3, change(true))];
    let remark = |column: Option<&str>| RowRemark {
        line: 4,
        column: column.map(str::to_owned),
        text: format!("{HOSTILE};;"),
        reason: format!("title: must not be {HOSTILE}"),
    };
    let (refused, ignored) = ([remark(None)], [remark(Some("isbn"))]);
    let page = StaffImportPage {
        view: at("/staff/imports/7"),
        import: &read,
        changes: &changes,
        refused: &refused,
        ignored: &ignored,
        run: None,
        has_changed_since: false,
        now,
        log,
        key: KEY,
        notice: None,
    };
    show("staff-preview", &page);
    show("staff-preview-outdated", &StaffImportPage { has_changed_since: true, log: &[], ..page });
    for (name, notice) in [
        ("expired", ImportNotice::Expired),
        ("gone", ImportNotice::Gone),
        ("replaced", ImportNotice::Replaced),
        ("nothing", ImportNotice::Nothing),
    ] {
        show(&format!("staff-preview-{name}"), &StaffImportPage { notice: Some(notice), ..page });
    }
    let begun = StaffImportPage { import: &running, changes: &[], refused: &[], ignored: &[], log: &[], ..page };
    show("staff-preview-running", &begun);
    show("staff-preview-stuck", &StaffImportPage { now: now + Duration::DAY, ..begun });
    show("staff-preview-failed", &StaffImportPage { import: &failed, ..begun });
    show("staff-preview-asked", &StaffImportPage { import: &asked, ..page });
    show("staff-preview-run", &StaffImportPage { import: &asked, run: Some(&run), ..page });
    let same = StaffImport { counts: Counts { unchanged: 9, ..Counts::default() }, ..read.clone() };
    show("staff-preview-same", &StaffImportPage { import: &same, ..begun });
    show("staff-import", &StaffImportPage { import: &run, changes: &[], ..page });
    show("staff-import-of-command", &StaffImportPage { import: &of_command, log: &[], ..page });
}

fn import(object_key: &str, ended_at: Option<OffsetDateTime>) -> StaffImport {
    StaffImport {
        id: 7,
        is_preview: object_key.starts_with("previews/"),
        object_key: object_key.to_owned(),
        line: 1_234,
        counts: Counts { added: 1, changed: 140, unchanged: 2_000, refused: 1, warnings: 1 },
        started_at: MOMENT,
        ended_at,
        failure: None,
        notices: vec![format!("line 1: columns not read: {HOSTILE}")],
        run_at: None,
        version: Some(FileVersion::new("\"x\"", None)),
    }
}

fn change(is_new: bool) -> BookChange {
    let difference = |column: &str, before: Option<&str>, after: Option<&str>| Difference {
        column: column.to_owned(),
        before: before.map(str::to_owned).filter(|_| !is_new),
        after: after.map(str::to_owned),
    };
    BookChange {
        reference: "don-quijote".to_owned(),
        title: HOSTILE.to_owned(),
        is_new,
        differences: vec![
            difference("title", Some("Niebla"), Some(HOSTILE)),
            difference("price", Some("9.95 EUR"), Some("10.50 EUR")),
            difference("description", None, Some(HOSTILE)),
        ],
    }
}

fn euro(minor: u32) -> Money {
    Money { minor, currency: "EUR".to_owned() }
}

fn order(state: OrderState, delivery: Delivery) -> StaffOrder {
    let is_over = matches!(state, OrderState::Cancelled | OrderState::Expired | OrderState::Returned);
    StaffOrder {
        number: OrderNumber(100_042),
        state,
        rejection: (state == OrderState::Rejected).then(|| "some books cannot be sold".to_owned()),
        delivery,
        payment: if delivery == Delivery::Ship { Payment::BankTransfer } else { Payment::OnCollection },
        total: euro(4_385),
        copies: if is_over { 0 } else { 3 },
        name: (state != OrderState::Expired).then(|| HOSTILE.to_owned()),
        email: (state != OrderState::Expired).then(|| "ana@example.org".to_owned()),
        placed_at: MOMENT,
        expires_at: (state == OrderState::Ready).then_some(MOMENT + Duration::WEEK),
        withdrawn_at: (state == OrderState::Delivered).then_some(MOMENT + Duration::DAY),
        is_paid: state == OrderState::Delivered,
        visitor: None,
        failed_mail: (state == OrderState::Shipped).then(|| "bounce: no such mailbox".to_owned()),
    }
}

fn in_full(order: StaffOrder, books: &[Summary], hostile: &Summary) -> StaffOrderInFull {
    let line = |book: &Summary, copies| StaffOrderLine {
        book: book.id,
        copies: if order.copies == 0 { 0 } else { copies },
        isbn: Some("9788437604947".to_owned()),
        title: book.title.clone(),
        unit_price: (order.state != OrderState::Rejected).then(|| euro(1_330)),
        reason: (order.state == OrderState::Rejected).then(|| "out of stock".to_owned()),
    };
    let is_sent = order.delivery == Delivery::Ship;
    StaffOrderInFull {
        lines: vec![line(&books[0], 2), line(hostile, 1)],
        phone: Some("+34 600 000 000".to_owned()),
        address: if is_sent { vec![HOSTILE.to_owned(), "28013 Madrid".to_owned()] } else { Vec::new() },
        note: Some(format!("Por la tarde.\n{HOSTILE}")),
        charged: if order.copies == 0 { euro(0) } else { order.total.clone() },
        order,
    }
}

fn fact_change(field: &str, before: &str, after: &str) -> FactChange {
    FactChange { field: field.to_owned(), before: before.to_owned(), after: after.to_owned() }
}

fn pick(book: &Summary) -> Pick {
    Pick {
        book: book.id,
        title: book.title.clone(),
        isbn: Some("9788437604947".to_owned()),
        orders: vec![(OrderNumber(100_042), Delivery::Collect, 2), (OrderNumber(100_043), Delivery::Ship, 1)],
    }
}

fn message(answered_at: Option<OffsetDateTime>) -> ContactMessage {
    ContactMessage {
        id: 7,
        name: HOSTILE.to_owned(),
        email: "ana?cc=x@example.org".to_owned(),
        subject: format!("¿Abren el sábado? {HOSTILE}"),
        message: format!("Hola:\n\n{HOSTILE}"),
        language: answered_at.map(|_| "es".to_owned()),
        sent_at: MOMENT,
        answered_at,
        visitor: None,
    }
}

fn review(hidden_at: Option<OffsetDateTime>) -> StaffRating {
    StaffRating {
        id: 9,
        book: 53.into(),
        title: HOSTILE.to_owned(),
        visitor: VisitorId(Uuid::from_u128(7)),
        stars: 1,
        name: hidden_at.is_none().then(|| HOSTILE.to_owned()),
        review: Some(format!("Compren en otra parte.\n{HOSTILE}")),
        sent_at: MOMENT,
        hidden_at,
    }
}

/// Each action once, and one of a later version.
fn log() -> Vec<AuditEntry> {
    let entry = |action: &str, about, outcome: &str, detail: Option<&str>| AuditEntry {
        id: 1,
        at: MOMENT,
        subject: Subject::of_uuid(Uuid::from_u128(7)),
        email: "librera@shop.example".to_owned(),
        action: action.to_owned(),
        about,
        outcome: outcome.to_owned(),
        detail: detail.map(str::to_owned),
        changes: Vec::new(),
    };
    let order = Some(About::Order(OrderNumber(100_042)));
    let of_order = ["paid", "ready", "shipped", "collected", "delivered", "return"];
    let mut log: Vec<AuditEntry> = of_order.iter().map(|action| entry(action, order, "done", None)).collect();
    log.extend([
        entry("cancel", order, "not-from:shipped:cancelled", Some("book 53, copies: 1")),
        entry("answered", Some(About::Message(7)), "done", None),
        entry("reopen", Some(About::Message(7)), "done", None),
        entry("reply", Some(About::Message(7)), "done", None),
        entry("hide", Some(About::Review(9)), "done", Some(HOSTILE)),
        entry("unhide", Some(About::Review(9)), "done", None),
        entry("preview", Some(About::Import(7)), "done", None),
        entry("import", Some(About::Import(7)), "file-gone", None),
        entry("archive", None, "done", None),
    ]);
    let book = Some(About::Book(53.into()));
    for action in ["add", "withdraw", "put-back", "received", "counted", "damaged"] {
        log.push(entry(action, book, "done", Some("albarán 4711")));
    }
    let fields = [
        "title",
        "authors",
        "isbn",
        "price",
        "fixed_price",
        "vat_rate",
        "genres",
        "language",
        "year",
        "publisher",
        "publisher_contact",
        "description",
        "stock",
        "binding",
    ];
    let lengthy = HOSTILE.repeat(30);
    let values = [("", "19.95"), (HOSTILE, ""), (HOSTILE, lengthy.as_str())];
    let changes = fields.iter().zip(values.iter().cycle());
    let changes = changes.map(|(field, (before, after))| fact_change(field, before, after)).collect();
    log.push(AuditEntry { changes, ..entry("change", book, "done", None) });
    log
}
