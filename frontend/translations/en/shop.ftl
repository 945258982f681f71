# The words of the shop. Plain, short sentences.

shop-in-short = Anaquel, a bookshop where you can browse and read what other readers think.
skip = Skip to content
language-own-name = English
nav = Main
nav-books = Books
nav-genres = Genres
nav-contact = Contact
nav-order = Your latest order
nav-about = About
nav-privacy = Privacy
nav-api = API

search = Search
search-label = Search by title, author or ISBN
search-hint = Title, author or ISBN
see-all = See all
see-all-feminine = See all
back-home = Home
back-to-book = Back to the book
pages = Pages
cover-of = Cover of { $title }
year-before-our-era = { $year } BC
date = { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }

home-title = Bookshop
home-heading = What would you like to read?
home-today = A selection for today, { $date }
shelf-bestsellers = Best sellers
shelf-best-rated = Best rated
shelf-popular = Popular
shelf-newest = New
shelf-by-author = More books by { $author }
shelf-also-rated = Readers also liked
genres-title = Genres

books-count = { $count ->
        [one] { $count } book
       *[other] { $count } books
    }
books-at-least = { $count ->
        [one] at least { $count } book
       *[other] at least { $count } books
    }
whole-catalogue = The whole catalogue
nothing-so-far = There are none in this part of the list. See if there are more.
ask-the-shop = Ask the shop
suggestion-meant = Did you mean this?
suggestion-author = Author
suggestion-genre = Genre
suggestion-all = See all results
see-also = See also:
without-filters = { $count ->
    [one] Without the filters: { $count } book
   *[other] Without the filters: { $count } books
}
without-filters-at-least = Without the filters: at least { $count } books
results-for = Results for
filters = Filter and sort
filters-active = Active filters
filter-remove = Remove filter
filter-from-stars = { $count ->
        [one] From { $stars } star
       *[other] From { $stars } stars
    }
filter-up-to = Up to { $amount }
filter-in-stock = In stock only
genre = Genre
language = Language
rating = Rating
price-max = Max price
sort = Sort by
all-genres = All genres
all-languages = All languages
any-rating = Any rating
apply = Apply
sort-relevance = Relevance
sort-popular = Most popular
sort-bestsellers = Best sellers
sort-rating = Best rated
sort-newest = Newest
sort-title = Title
sort-price = Price, low to high
nothing-found = No books found. Try fewer words, or remove a filter.
nothing-among-popular = None of the most popular books match. There may be others: add a word, or remove a filter.
did-you-mean = Did you mean
all-books = See all books
from-the-start = Back to the start
list-from = from “{ $title }” on
list-after = after “{ $title }”
list-continued = continued
more-books = More books
no-books = We don’t have any of their books at the moment.
out-of-stock = Out of stock
to-order = To order
withdrawn = No longer sold

stars = Stars
share = Percentage
ratings = Ratings
stars-of-five = { $mean } out of 5 stars
stars-given = { $count ->
        [one] { $count } star
       *[other] { $count } stars
    }
ratings-count = { $count ->
        [one] { $count } rating
       *[other] { $count } ratings
    }
ratings-own = { $count } from this shop
ratings-from = { $count } from { $source }
ratings-imported = { $count } that came with the catalogue
no-ratings = No ratings yet
no-reviews = No reviews yet.
write-the-first = Write the first
write-yours = Write yours
rated-on = You rated it on { $date }. Change what you like and publish it again.
rate-change = Change rating
year = Year
publisher = Publisher
publisher-contact = Publisher’s contact
stock-none = Out of stock
stock-to-order = Not in the shop, but we can order it for you
stock-withdrawn = We no longer sell this book
notify-me = Tell me when it’s back
order-it = Order it
stock-few = { $count ->
        [one] { $count } copy left
       *[other] { $count } copies left
    }
stock-plenty = In stock
reviews-title = What readers think
ratings-of = Ratings of
all-ratings = See all ratings
newest-ratings = Newest ratings
ratings-until = until { $date }
older-ratings = Older ratings
anonymous = Anonymous
rate-it = Rate it
rate-title = Your rating
your-stars = How many stars would you give it?
your-review = Your review (optional)
your-name = Your name
your-name-optional = Your name (optional)
rate-note = It is published with today’s date. If you rate the book again from this browser, the new rating replaces the old one.
rate-send = Publish rating

contact-title = Write to us
contact-lead = A question, a book you’re looking for, a mistake you’ve spotted? We’ll reply by email.
contact-note = We only use your address to reply to you.
contact-send = Send message
your-email = Your email address
subject = Subject
message = Message
ask-order = Order: { $title }
ask-order-text = Hello,

    I would like to order “{ $book }”. How much would it cost, and how long would it take?

    Thank you.
ask-notify = Back in stock: { $title }
ask-notify-text = Hello,

    Could you tell me when you have “{ $book }” again?

    Thank you.
leave-empty = Leave this empty
form-invalid = Something needs correcting. Nothing that you typed is lost.
form-honeypot = We have not sent it: a hidden field was filled in, which is usually done by programs. If your browser did that, press the button once more.
form-expired = You have signed in again since this form was shown. Everything you typed is still here: please send it once more.
form-too-large = This is too long. Please shorten it: everything you typed is still here.
form-outdated = This form is more than a day old, and nothing was sent. Everything you typed is still here: check it and order again. If a price has changed or a book is sold out, we tell you and charge nothing.
form-gone = The books of this form are no longer in your cart: you may have ordered them in another tab already. Nothing was sent. If you want to order them all the same, press the button once more.
form-unavailable = We can’t receive this right now. Everything you typed is still here: please try again in a minute.

error-title = Error:
blank-name = Enter your name.
blank-subject = Enter a subject.
blank-message = Enter your message.
what-name = Your name
what-email = Your email
what-subject = The subject
what-message = The message
what-review = The review
what-q = The search
what-genre = The genre
what-language = The language
what-author = The author
what-sort = The order
what-title = The title
what-authors = The field of authors
what-isbn = The ISBN
what-price = The price
what-fixed_price = The fixed price
what-vat_rate = The rate of VAT
what-genres = The field of genres
what-year = The year
what-publisher = The publisher
what-publisher_contact = The publisher’s contact
what-description = The description
what-copies = The number of copies
what-reason = The reason
what-why = The reason
what-reply = The answer
what-find = What you look for
choose-authors = Enter at least one author, and at most 100, separated by semicolons.
choose-isbn = Enter an ISBN of 13 digits (from 978 or 979) or of 10.
choose-price = Enter a price above 0, without groups of thousands, or leave it blank.
choose-fixed_price = Enter a fixed price above 0, without groups of thousands, or leave it blank.
choose-vat_rate = Enter a percentage from 0 to 100 such as 4 or 5.5.
choose-genres = Choose at most 20 genres, and enter slugs such as science-fiction, separated by semicolons.
choose-language = Enter the code of a language such as es, en or pt-BR.
choose-year = Enter a year such as 1605, or -750 before our era.
choose-copies = Enter a number of copies such as 3: at most 10,000 that come or go, and 1,000,000 that are counted.
choose-find = Scan or type an ISBN, or the number of a book.
choose-kind = Choose what has happened.
reason-check-digit = One of the { $a } digits of this ISBN is mistyped. Scan it, or type it again.
reason-taken = { $what } is already that of another book.
reason-fixed-price = The price must be between 95 and 100% of the fixed price.
what-other = The address
reason-blank = { $what } cannot be blank.
reason-too-long = { $what } can have { $a } characters, and you typed { $b }.
reason-too-long-by-unknown = { $what } can have { $a } characters.
reason-email = Enter your whole email address, such as ana@example.org.
reason-phone = Enter a telephone number such as +34 600 123 123.
reason-postal-code = Enter the postal code of the country, with its digits, letters and hyphens.
reason-postal-code-start = No postal code begins with { $start }. Enter one like { $example }.
reason-postal-code-of-country = Enter a postal code such as { $example }.
reason-vat-area = We do not send to this area (such as the Canary Islands, Ceuta and Melilla), because another tax applies there. Write to us, and we will see what is possible.
reason-country = Choose a country.
reason-link = { $what } must not have a web or email address. If it is an abbreviation, leave a space after the point.
reason-card-number = { $what } must not have the number of a card; the shop never asks for one.
reason-marks = A letter can have at most { $a } accents or other marks.
reason-too-new = The shop accepts first ratings after { $a } minutes, because it receives many forged ones just now. Please send it again then.
reason-stars = Choose from { $a } to { $b } stars.
reason-amount = Enter a price such as 20 or 19.95.
reason-unknown = { $what } is not valid.
reason-other = It cannot be accepted as it is.
reason-no-such-book = That book is no longer in the shop.
reason-hidden = We have hidden it.
reason-hidden-before = We hid your earlier rating of this book.
reason-erased = We have deleted it, as its author asked.
reason-of-customer = The rating of this book from this browser belongs to an account. Sign in to that account, go back and send yours again.
reason-later-rating = You sent a later rating of this book; that one counts.

rating-title = Your review
rating-published = Thank you! Your review is published.
rating-rejected = We could not publish your review.
message-title = Your message
message-published = Thank you! We have received your message and will reply by email.
message-rejected = We could not receive your message.
submission-title = What you sent
submission-received = We have it and are processing it…
submission-published = Thank you! It is done.
submission-rejected = We could not accept it.
submission-wait = This usually takes a few seconds.
submission-check = Check now
submission-number = Reference:

error-not-found = Page not found
    .text = The page may be gone, or the address may be mistyped. Try searching above for what you wanted.
error-no-submission = We can’t find what you sent
    .text = The address may be incomplete. If you’re not sure that your review or message reached us, write to us.
error-too-large = This is too long
    .text = What you sent is larger than we accept. Go back and shorten it.
error-unavailable = Back in a moment
    .text = The shop is out of service for a moment. Please try again in a minute.
error-request = Something is wrong with the address
    .text = We could not understand the address or the form. Go back, or search above.
error-internal = We dropped a book
    .text = The mistake is ours, and we have made a note of it. Please try again in a while.
request-id = If you write to us, quote this reference:

about-title = About Anaquel
about-lead = Anaquel is a bookshop for unhurried browsing: books in the order of those who have read them, with their reviews, and nothing to distract you from them.
about-1 = The books
    .text = We gather the catalogue from open sources and draw the covers ourselves, from title and authors. If we don’t have a book, ask for it on its page.
about-2 = The ratings
    .text = Anybody can rate a book, whether they bought it here or not: we do not check that a reviewer has read it. From one browser, one rating of a book counts, the latest. We publish all of them as they arrive, good or bad, and pay for none; we only hide those that insult, advertise or give away other people’s data, and those do not count either.
about-3 = The scores
    .text = The score that you see is the plain average of all ratings. Some came with the catalogue, from readers elsewhere: a book’s page says how many and where from. We have not checked those. To sort and filter by rating we use another average, as if every book had 25 more ratings of 3.5, so that a single vote does not overtake a thousand happy readers.
about-4 = The code
    .text = The shop is free software, under the MIT or Apache 2.0 licence. It has no server of its own: each page comes from a function that exists only while it is needed.
write-to-us = Write to us
privacy-title = Privacy
privacy-lead = You can browse the whole shop without telling us who you are. There are no trackers or advertisements, and no page loads anything from other sites.
privacy-visitor = When you send a rating or a message
    .text = Your browser gets a cookie with a random number. It lets you see and change your rating of a book, and does not say who you are.
privacy-language = When you choose a language
    .text = If you change the language, a cookie remembers which. Nothing else.
privacy-typed = What you write
    .text = Ratings are public, under the name that you give or under none. Only the shop reads messages, and your address is used to answer.
privacy-logs = Logs
    .text = We note how long each request takes and whether it fails, and for a limited time from which network address it came and which page it asked for, searches included: so we find out who abuses the shop. What you type into the other forms is not noted there.
privacy-erase = Having it erased
    .text = We keep it while the shop exists or until you ask us to erase it. Write to us from the same browser: your message carries that random number, and by it we erase all that you sent. A copy of what you send is kept apart for up to 42 days, in case the database is lost; it is erased with the rest.
api-title = The shop for programs
api-lead = The catalogue, authors, genres and ratings are there as JSON, too. The OpenAPI document describes it.
api-document = OpenAPI 3.1 document (JSON)
suggestions = Suggestions

cart-title = Cart
cart-add = Add to cart
cart-see = See the cart
cart-added = Added to the cart.
cart-added-book = “{ $title }” is in the cart.
cart-short = Added to the cart, but there are fewer copies than you want.
cart-short-book = “{ $title }” is in the cart, but there are fewer copies than you want.
cart-removed = Removed from the cart.
cart-removed-book = “{ $title }” is no longer in the cart.
cart-undo = Put it back
cart-nothing-to-order = None of these books can be ordered at the moment, so there is no checkout.
cart-some = { $count ->
        [one] Only { $count } copy is left: { $count } of { $wanted } can be ordered.
       *[other] Only { $count } copies are left: { $count } of { $wanted } can be ordered.
    }
cart-changed = Cart updated.
cart-full = It was not added: a cart holds 50 different books. Place an order, or remove one.
cart-most = You can order at most 20 copies of a book.
cart-quantity = The number of copies must be a whole number from 1 to 20. Nothing was changed.
cart-refilled = The cart has everything from that order that we can sell you.
cart-renewed = The form was out of date. Check the cart and go to checkout again: no order was sent.
cart-empty = Your cart is empty.
cart-unknown = Book no. { $book }
cart-withdrawn = We no longer sell it; it will not be in the order.
cart-to-order = On request only; it will not be in the order.
cart-out-of-stock = Out of stock; it will not be in the order.
cart-too-few = { $count ->
        [one] Only { $count } copy is left.
       *[other] Only { $count } copies are left.
    }
cart-cheaper = The price has fallen.
cart-dearer = The price has risen.
cart-remove = Remove
cart-change = Update quantities
cart-checkout = Go to checkout
cart-subtotal = Subtotal
quantity = Quantity
book = Book
amount = Amount
total = Total
price-before = Before
price-now = Now
price-free = Free
tax-included = VAT included.
book-withdrawal = 14 days to withdraw from the purchase.
tax-rate = VAT { $rate }
tax-included-at = { $rate } VAT included.
tax-part = { $rate }: { $amount }
not-sold = We don’t sell online at the moment: prices are for guidance.
not-sold-currency = This book is not sold online, because its price is in another currency.
delivery-collect = Collection in the shop
delivery-ship = Delivery
delivery-collect-free = Collection in the shop: free.
delivery-ship-free = Free delivery.
delivery-ship-price = Delivery: { $price }.
delivery-ship-free-from = Delivery: { $price }, free from { $from }.

checkout-title = Checkout
checkout-changed = These are the quantities now. Nothing was ordered: check the total, and then order.
checkout-ordered = You sent an order for exactly these books on { $time }, and we have it. If you order now, it is one more order.
checkout-see-order = See the order that we have
checkout-partial = Some of what is in your cart cannot be ordered now. What you order is below.
checkout-contact = Your details
checkout-delivery = How would you like to receive it?
checkout-collect = Collection: { $place }. Free. { $ready ->
        [0] Ready today
        [one] Ready in { $ready } day
       *[other] Ready in { $ready } days
    }; we keep it for { $keep ->
        [one] { $keep } day
       *[other] { $keep } days
    }.
checkout-ship = Delivery to your address in { $countries }: { $price }. It arrives within { $days ->
        [one] { $days } day
       *[other] { $days } days
    } at most.
delivery-countries = We deliver to: { $countries }.
delivery-counts = The time counts from our confirmation of the order.
delivery-counts-transfer = The time counts from our confirmation of the order, or, if you pay by bank transfer, from its arrival.
delivery-time-collect = { $days ->
        [0] It is ready on the day on which
        [one] It is ready at most { $days } day after
       *[other] It is ready at most { $days } days after
    } { $from ->
        [transfer] your transfer arrives
       *[confirmation] we confirm the order
    }.
delivery-date-collect = It is ready by { $date } at the latest.
delivery-time-ship = { $days ->
        [one] It arrives at most { $days } day after
       *[other] It arrives at most { $days } days after
    } { $from ->
        [transfer] your transfer arrives
       *[confirmation] we confirm the order
    }.
delivery-date-ship = It arrives by { $date } at the latest.
checkout-address = Delivery address
checkout-payment = Payment
checkout-no-cards = We take no card payments online: please don’t type a card number anywhere.
checkout-note = Note for the shop (optional)
checkout-summary = Your order
checkout-withdrawal = You have 14 days from receiving the books to withdraw without giving a reason. { withdrawal-return-costs }
opens-a-tab = (opens in a new tab)
checkout-order = Order with obligation to pay
checkout-what-follows = We check the stock at once and confirm the order by email. If something has changed, nothing is ordered and we tell you what.
your-phone = Your telephone (optional)
address-recipient = Recipient
address-street = Street and number
address-street2 = Floor, door (optional)
address-postal-code = Postal code
address-place = Town
address-region = Province or state (optional)
address-country = Country
pay-on-collection = When you collect it, in the shop
pay-on-delivery = To the carrier, when it arrives
pay-by-transfer = { $count ->
        [one] By bank transfer, within { $count } day
       *[other] By bank transfer, within { $count } days
    }
paid-by-transfer = By bank transfer
paid-transfer = Your transfer of { $amount } arrived on { $date }.
choose-delivery = Choose how you would like to receive it.
choose-payment = Choose a payment that goes with the delivery.
choose-country = Choose a country that we deliver to.
blank-recipient = Enter the recipient’s name.
blank-street = Enter the street and number.
blank-postal_code = Enter the postal code.
blank-place = Enter the town.
what-phone = Your telephone
what-note = The note
what-recipient = The recipient
what-street = The street and number
what-street2 = The floor and door
what-postal_code = The postal code
what-place = The town
what-region = The province

order-title = Your order
order-number = Order { $number }
order-received = Received
order-confirmed = Confirmed
order-awaiting-payment = Awaiting payment
order-rejected = Not accepted
order-expired = Expired
order-ready = Ready to collect
order-shipped = Sent
order-collected = Collected
order-delivered = Delivered
order-returned = Returned
order-cancelled = Cancelled
order-cancelling = Cancelling…
order-resent = This form was sent more than once: it is one order, and what you sent first counts. If you wanted to change something, cancel this order and place another, or write to us.
order-resent-as-it-is = This form was sent more than once: it is one order, and what you sent first counts. If you wanted to change something, write to us.
order-next-unknown = We have your order, and cannot look it up at the moment. Nothing is lost: we decide it as soon as we can, in the order of arrival, and write to you.
order-declared = We received your cancellation on { $time } and are processing it.
order-declared-late = We received your cancellation on { $time }. It takes longer than usual; you need not repeat it, we will confirm it by email.
order-declared-withdrawal = We received your withdrawal from the contract on { $time }. We confirm it by email.
order-declared-by-somebody = We received a cancellation of this order on { $time }. It counts if it was sent from the browser that placed the order, or with the email address of the order; then we confirm it by email.
order-declared-withdrawal-by-somebody = We received a withdrawal from the contract of this order on { $time }. It counts if it was sent from the browser that placed the order, or with the email address of the order; then we confirm it by email.
order-declared-in-vain = The cancellation that we received on { $time } has had no effect until now. Check that the email address is that of the order, and cancel again; or write to us.
order-refused-cancelled = Your cancellation of { $time } changed nothing: the order was cancelled already.
order-refused-expired = Your cancellation of { $time } came too late and changed nothing: the order had expired.
order-refused-rejected = Your cancellation of { $time } changed nothing: we had not accepted the order.
order-refused-returned = Your cancellation of { $time } came too late and changed nothing: the books had come back already.
order-refused-late = Your cancellation of { $time } came too late and changed nothing: the order had left the shop already.
order-next-late = It takes longer than usual. Your order is safe with us, and we write to you when we have decided it; look again later.
order-next-received = We are checking the stock.
order-next-awaiting-payment = We keep the books for you. We prepare them as soon as your transfer arrives.
order-next-confirmed-collect = We will write when you can collect it.
order-next-confirmed-ship = We will write when it is on its way.
order-next-ready = It is waiting for you in the shop.
order-next-shipped = It is on its way.
order-next-rejected = Nothing was sold, and you have nothing to pay.
order-next-expired = The time has passed, and the books are on sale again. You have nothing to pay.
order-next-cancelled = You have nothing to pay.
order-next-returned = We have the books that you returned.
order-collect-at = Place of collection: { $place }
order-collect-until = You can collect it until { $date }: { $place }
order-available = Order what is available
order-available-cart = Put what is available into the cart
order-lines = Books
order-contact = Order details
order-phone = Your telephone
order-note = Your note
order-charged = After the changes
order-history = What has happened
order-cancel-title = Cancel
order-cancel-text = Until it leaves the shop you can cancel it at no cost.
order-cancel = Cancel the order and withdraw from the contract
order-cancel-sure = Are you sure that you want to cancel the whole order? We will confirm it by email.
order-cancel-confirm = Confirm the cancellation and withdrawal
order-cancel-keep = Keep it
order-withdraw-text-until = You have until { $date }, 14 days from receiving it, to withdraw from the contract without giving a reason.
order-withdraw-text = You have 14 days from receiving it to withdraw from the contract without giving a reason.
order-withdraw-text-shipped = It is on its way. You can withdraw from the contract without giving a reason from now on, and until 14 days after you receive it.
order-withdraw = Withdraw from contract here
order-withdraw-sure = You declare that you withdraw from the contract of the whole order. We confirm it by email, with the time.
order-withdraw-confirm = Confirm withdrawal
order-withdraw-keep = Keep the books
order-withdrawn = You withdrew from the contract on { $time }.
order-withdrawn-returned = You withdrew from the contract on { $time }, and the books are back.
order-withdrawal = You withdrew from the contract
order-copies-cancelled = Cancelled: { $book }.
order-copies-returned = Returned: { $book }.
order-copies-refund = We pay you back { $amount }.
order-withdrawal-received = Withdrawal received
withdrawal-return-costs = You pay for sending books back.
refund-terms = We pay back everything that you paid, ordinary delivery included, within 14 days of your notice of withdrawal; we may wait until we have the books, or until you prove that you have sent them, whichever is earlier.
refund-returned = We pay you back { $amount }, by { $date } at the latest.
refund-returned-if-paid = If you have paid, we pay you back { $amount }, by { $date } at the latest.
refund-cancelled = We pay back everything that you paid: { $amount }, by { $date } at the latest.
refund-cancelled-rest = We pay back the rest of what you paid: { $amount }, by { $date } at the latest.
refund-if-cancelled = If you cancel it, we pay you back { $amount } within 14 days.
refund-copies = We pay you back { $amount } for { $books }, by { $date } at the latest.
refund-copies-if-paid = If you have paid, we pay you back { $amount } for { $books }, by { $date } at the latest.
refund-parts = We pay you back { $amount } for the copies that were cancelled or came back.
refund-parts-if-paid = If you have paid, we pay you back { $amount } for the copies that came back.
refund-in-total = With what we paid back before, it is { $amount } in total.
refund-way-transfer = The money goes to the account from which you paid.
refund-way-delivery = As you pay the carrier, the money comes by bank transfer: please write to us with the number of your account (IBAN).
refund-way-collection = The money comes back by the means with which you paid in the shop.
refund-book = “{ $title }” ({ $count ->
        [one] { $count } copy
       *[other] { $count } copies
    })
refund-withdrawn = We pay back everything that you paid, ordinary delivery included, by { $date } at the latest; we may wait until we have the books, or until you prove that you have sent them, whichever is earlier.
withdrawal-send-back = Send the books back within 14 days, by { $date } at the latest.
withdrawal-on-its-way = If the parcel has not arrived yet, you can refuse it; if you take it, send the books back by { $date } at the latest.
withdrawal-send-to = Our address: { $address }.
withdrawal-unpaid = You have not paid yet: if you refuse the parcel, you owe nothing. If you pay the carrier:
refund-late-transfer = If you have sent the transfer already, we return it when it arrives.
order-no-invoice = This page is not an invoice. If you need one, ask us for it.
order-whose = Is this your order?
order-whose-text = Enter the email address that you ordered with, and we show you everything.
order-show = Show the order
order-wrong-email = That is not the email address of the order.
line-cancelled = { $count ->
        [one] { $count } copy cancelled
       *[other] { $count } copies cancelled
    }
line-returned = { $count ->
        [one] { $count } copy returned
       *[other] { $count } copies returned
    }
line-price-above = It costs { $price } now.
line-withdrawn = We no longer sell it.
line-to-order = On request only.
line-out-of-stock = Out of stock.
line-other-currency = Its price is { $price }, in another currency.
line-too-many = { $count ->
        [one] At most { $count } copy can be ordered.
       *[other] At most { $count } copies can be ordered.
    }
rejected-lines = We could not sell you everything that you ordered; the reason for each book is below.
rejected-delivery-price = Delivery costs { $price } now.
rejected-total = The total is { $price } now, more than you saw.
rejected-too-many-open = We limit the unpaid orders, and the copies of a book in them, for each browser, email address and postal address, and this one is above a limit. If you have orders to pay or collect, close one first; if you have cancelled many, wait a day; or write to us.
rejected-delivery = We no longer offer that delivery.
rejected-country = We do not deliver to that country.
rejected-payment = We no longer accept that payment.
rejected-erased = We have deleted it, as its buyer asked.
rejected-cancelled = You cancelled it before we had confirmed it.
transfer-title = How to pay
transfer-holder = Account holder
transfer-iban = IBAN
transfer-reference = Reference
transfer-until = Until
error-no-order = We can’t find that order
    .text = The address may be incomplete. If you’re not sure that your order reached us, write to us.

nav-terms = Terms of sale
nav-accessibility = Accessibility
seller-tax-id = Tax number
reviews-how = How we collect reviews
terms-seller = Who sells
terms-delivery = Delivery
terms-ship = Delivery to: { $countries }. { $price } It arrives in { $days ->
        [one] { $days } day
       *[other] { $days } days
    } at most.
terms-contract = The order
    .text = By pressing “Order with obligation to pay” you place a binding order. We check it at once; if we have the books at the price that you saw, or a lower one, it is confirmed and we tell you by email. If not, nothing is sold. You can correct everything that you typed before you send it. We keep the contract, and you see it on the order’s page, in Spanish or English.
terms-prices = Prices
    .text = Prices include VAT; each order has the breakdown. Books have a fixed price by law, and we sell between 95 and 100% of it. We never charge more than you saw when you ordered. The order’s page is not an invoice: if you need one, ask us for it.
terms-payment = Payment
    .text = You pay when you collect the order, when you receive it, or by bank transfer, as the shop offers at the time. An order that is not paid or collected in time expires, and you owe nothing.
terms-withdrawal = Right of withdrawal
    .text = You have 14 calendar days from receiving the books to withdraw from the contract without giving a reason. Until the order leaves the shop, cancel it on its page, in two steps; afterwards, press “Withdraw from contract here” there, or write to us with a clear statement: you can use the model form below, but need not. We confirm by email that we have received it. Send the books back within the next 14 days. { withdrawal-return-costs } { refund-terms }
terms-guarantee = Guarantee
    .text = We are liable for lack of conformity for three years from delivery: if a book is defective, we replace it or return your money, at no cost to you.
terms-complaints = Complaints
    .text = Write to us with the contact form, and we answer as soon as we can, within a month at most. Official complaint forms are available in the shop, and you can turn to the consumer office of your town.
withdrawal-form = Model withdrawal form
    .text = (Complete and return this form only if you wish to withdraw from the contract)
        – To { $seller }:
        – I/We (*) hereby give notice that I/We (*) withdraw from my/our (*) contract of sale of the following goods (*),
        – Ordered on (*)/received on (*),
        – Name of consumer(s),
        – Address of consumer(s),
        – Signature of consumer(s) (only if this form is notified on paper),
        – Date
        (*) Delete as appropriate.
accessibility-title = Accessibility
accessibility-lead = We want everybody to be able to buy here. The shop follows WCAG 2.2, level AA, on which the standard EN 301 549 is based.
accessibility-how = How it can be used
    .text = Everything works with a keyboard, with a screen reader, with text at twice its size, on narrow screens, without colour and without JavaScript. It follows your system’s settings for contrast, dark theme and motion.
accessibility-tested = How we check it
    .text = Every version passes the automatic tests of axe and of the HTML validator in a browser, on all pages and in both languages, and whole tasks with the keyboard and without JavaScript.
accessibility-limits = What is missing
    .text = No external expert has assessed it yet. Reviews are written by readers and can be in any language. Bank transfers are made at your bank, whose accessibility does not depend on us.
accessibility-tell = If you meet a barrier
    .text = Tell us with the contact form: which page it is, and what you could not do. We answer within 15 days at most, and help you by email or telephone in the meantime. If you are not satisfied, you can turn to the authority that supervises accessibility in your region.
privacy-orders = When you buy
    .text = The cart is in a cookie of your browser for 90 days: it has only numbers of books, quantities and prices. Another cookie keeps the reference of your latest order for 90 days, to link to it at the foot of each page. With an order we keep what you type (name, email address, telephone, postal address, note), what you order and what happens to it, to carry it out and to obey the law: it is a contract with you. When it is no longer needed for the order, we erase the contact; we keep amounts and dates for the years that commercial and tax law require, also if you ask us to erase you. We keep no card number. We write to you only about the order.

alert-title = Tell me when the book is back
alert-other-address = To another address
alert-own-address = We write to the address of your account, unless you enter another.
alert-email-optional = Another email address (optional)
alert-note = We write once, when there are copies. If we do not know your address yet, you first get an email in which you confirm it.
submission-alert-title = Request about a book
submission-alert-published = Noted. We will write when the book is back. If you have not confirmed your address yet, you first get an email with a link, within minutes and at most one a day: without that confirmation we write nothing else.
submission-alert-rejected = We could not note it.
submission-confirmation-title = Request about a book
submission-confirmation-published = Your address is confirmed. We will write once, when the book is back.
submission-confirmation-rejected = We could not confirm it.
alert-confirm = Confirm your address
    .text = With this button you confirm that you want an email when the book is back. It will be just one.
alert-confirm-button = Yes, tell me
alert-expired = The link has expired
    .text = Links to confirm are valid for seven days. You can ask again on the book’s page.
alert-end = I do not want the email
    .text = With this button we delete your address from this request, and do not write about this book again.
alert-end-button = Delete the request
alert-ended = Request deleted
    .text = We will not write to you about this book again.
reply-mail-copy = Copy of the answer to { $to }
reply-mail-quote = On { $time } you wrote:
alert-mail-confirm-subject = Confirm that you want to be told – { $shop }
alert-mail-confirm = Hello. Somebody has asked { $shop } to write to you when there are copies of { $book } again.
alert-mail-confirm-link = If it was you, confirm it here within seven days: { $address }
alert-mail-confirm-ignore = If it was not you, do nothing: we will not write to you about this book.
alert-mail-back-subject = “{ $title }” is back
alert-mail-back = Hello. { $shop } has { $book } again. You asked us to tell you.
alert-mail-back-link = Here is the book: { $address }
alert-mail-back-once = This is the only email about this book; we do not keep a copy for you, and it may sell out again.
alert-mail-end = To have this request deleted: { $address }
reason-in-stock = The book is in stock: you can buy it now.
reason-too-many-alerts = There are too many such requests for today. Try again tomorrow.
reason-no-verified-email = Your account has no verified email address, or you are no longer signed in. Sign in again, or enter an address.
reason-no-such-alert = That request was deleted or has expired. You can ask again on the book’s page.
privacy-alerts = When you ask to be told
    .text = When you ask us to tell you that a book is back, we keep your email address, the book and the language. We write only if you confirm the address by the link in an email, or if your account has it verified. Each email has a link that deletes the request. What nobody confirms is deleted after seven days; a request that was answered, seven days later; and one that never was, after a year. So that nobody can fill your mailbox, we keep a scrambled form of an address that we have asked for a confirmation, for two months at most.

privacy-account = When you have an account
    .text = Amazon Cognito, a service of Amazon Web Services, keeps your email address and your password for us; we never see the password. We keep your email address, the language, the cart, the wishlist and the addresses that you save, in which browsers you have signed in, and which orders and ratings are yours, also those from before in the same browser. A cookie says for twelve hours that you have signed in, and another has the numbers of the newest books of your list for 90 days. Signing out removes both, and makes the browser an unknown visitor again. In your account you see, change, download and erase all that we keep; erasing it also deletes the email address and the password that Amazon Cognito keeps, within a day at most.
account-title = My account
account-nav = Your account
account-signed-in = You are signed in as
account-unverified = Your email address is not verified, so orders that you placed without signing in are not shown here.
account-new = We are setting up your account. It takes a few seconds.
account-orders = My orders
account-order = Order { $number }
account-no-orders = You have no orders yet.
account-ratings = My ratings
account-no-ratings = You have not rated any book yet.
account-rating-change = Change or delete
account-rating-hidden = The shop has hidden this rating: only you see it.
account-rating-delete = Delete my rating
account-rating-delete-text = It disappears from the book’s page, and its stars no longer count.
account-changed = This was changed in the meantime, perhaps in another window. It is now like this; if you save, your version replaces it.
account-wishlist = My wishlist
wishlist-none = There is no book on your list yet. You can add one on its page.
wishlist-see = See the list
wishlist-offered = Shall we add this book to your list?
wishlist-there = This book is on your list already.
wishlist-full = Your list has room for { $count } books, and it is full. Remove one to add another.
wishlist-added-on = Added on { $date }
wish-add = Add to wishlist
wish-remove = Remove from wishlist
wish-added = Added to your wishlist.
wish-removed = Removed from your wishlist.
account-addresses = My addresses
account-no-addresses = You have saved no address.
account-language = Language
account-language-choose = In which language would you like the shop? Emails about an order are in the language in which you placed it.
account-save = Save
account-newest = Back to the newest
account-older = Older ones
account-data = My data
account-data-text = You can download all that the shop keeps about you, as a file that programs can read (JSON): orders, ratings, wishlist, addresses, messages to the shop and settings. What does not fit into one file is in further ones: `next` at the end of a file leads to the next.
account-data-download = Download my data
account-data-pool = Your password is not in it: we do not have it. The sign-in service keeps it in a form from which nobody can read it.
account-sign-out = Sign out everywhere
account-sign-out-text = It ends your session in this browser and in all others, for example because you have lost a telephone.
account-erase = Erase my account
account-erase-goes = What is erased
    .text = Your ratings and reviews, your wishlist, your addresses, your messages to the shop, your settings, and name, email address, telephone and address of your orders. An order that is still on its way keeps them until it is closed. You are signed out everywhere.
account-erase-stays = What the law keeps
    .text = Amounts, dates and books of your orders, without your name: commercial and tax law require them for years.
account-erase-pool = The sign-in service deletes your access too (email address and password), within a day at most. To have an account again, you register anew.
account-erase-sure = Are you sure?
account-erase-next = Continue
account-erase-confirm = Erase my account for good
account-erase-keep = Keep it
account-erased = Your account is being erased. It takes a few minutes at most.
address-new = Add an address
address-change = Change the address
address-delete = Delete this address
address-default = Your usual address
address-make-default = Use it as my usual address
address-full = { $count ->
    [one] You can save one address.
   *[other] You can save { $count } addresses. Delete one to add another.
}
verified-purchase = Verified purchase

country-AD = Andorra
country-AT = Austria
country-BE = Belgium
country-BG = Bulgaria
country-CH = Switzerland
country-CY = Cyprus
country-CZ = Czechia
country-DE = Germany
country-DK = Denmark
country-EE = Estonia
country-ES = Spain
country-FI = Finland
country-FR = France
country-GB = United Kingdom
country-GR = Greece
country-HR = Croatia
country-HU = Hungary
country-IE = Ireland
country-IT = Italy
country-LT = Lithuania
country-LU = Luxembourg
country-LV = Latvia
country-MT = Malta
country-NL = Netherlands
country-NO = Norway
country-PL = Poland
country-PT = Portugal
country-RO = Romania
country-SE = Sweden
country-SI = Slovenia
country-SK = Slovakia
country-without = { $country } (except { $parts })
country-except-DE = Heligoland and Büsingen
country-except-ES = the Canary Islands, Ceuta and Melilla
country-except-FI = Åland
country-except-FR = the overseas territories
country-except-GR = Mount Athos
country-except-IT = Campione and Livigno

nav-sign-in = Sign in
nav-account = My account
session-ended = Your session has ended
    .text = We have saved nothing. A session lasts twelve hours at most, and ends earlier if you sign out everywhere. Sign in again.
sign-in-first = Sign in first
    .text = This is kept in your account, and this browser is not signed in to one.
sign-in-typed = What you typed is still here: sign in in another tab, come back to this one and continue.
sign-in-continue = Continue with what I typed
sign-in-again = Sign in again
sign-in-help = If it keeps happening, write to us.
sign-in-not-here = There are no accounts here
    .text = You can look for books, rate them and write to us without one.
sign-in-lost = Let’s start again
    .text = This sign-in was begun in another window or browser, or more than half an hour ago. Nothing has happened; start again in this window. If your browser blocks cookies, allow those of this shop.
sign-in-used = This sign-in has been used
    .text = Each one works once and for a few minutes. If you are not signed in, sign in again.
sign-in-denied = You have not signed in
    .text = The sign-in was stopped before its end. You can try again, or go on without an account.
sign-in-unverified = Your email address is still to be confirmed
    .text = Sign in again and type the code that was sent to your address. If you have no mail, ask for another code there.
sign-in-unusable = The shop cannot use this email address
    .text = Your account is confirmed, but its address has a form to which the shop can send no mail, for example with quotation marks. Sign in again and register with another address.
sign-in-clock = The sign-in could not be checked
    .text = The clocks of the shop and of its sign-in service differ. That is our fault, not yours. Please try again in a few minutes.
sign-in-away = The sign-in does not answer
    .text = That is our fault, not yours. Please try again in a minute. Your cart is safe, and you can go on without an account.
sign-out = Sign out
    .text = Your account stays as it is. In this browser your cart and your latest order are forgotten, so that the next person does not see them.
staff-sign-out = Sign out of the staff pages
    .text = If you have signed in as a customer too, that session stays.
staff-again-typed = What you typed
staff-again-send = Send it again
staff-again-title = Nothing was done
staff-session-ended = Your session has ended
    .text = Nothing was changed. A session of the staff lasts one hour. Sign in again.
sign-out-button = Sign out of this browser
signed-out = You have signed out
    .text = This browser no longer knows who you are.
signing-out = One moment, the sign-in page is being closed too.
signing-out-continue = Continue

staff-title = Staff
staff-nav = Pages of the staff
staff-shop = The shop
staff-lists = Lists
staff-signed-in = Signed in as { $email }
staff-waiting = What waits
staff-nothing = Nothing waits.
staff-at-least = { $count } or more
staff-find-order = Number of an order
staff-find = Find
staff-orders = Orders
staff-orders-open = Open
staff-orders-to-pick = To get ready for collection
staff-orders-to-ship = To send
staff-orders-withdrawn = Books to come back
staff-orders-all = All
staff-orders-others = Closed orders
staff-no-orders = There are no such orders.
staff-collect = Collected in the shop
staff-ship = Sent
staff-paid = paid
staff-unpaid = not paid
staff-withdrawn = The buyer has withdrawn from the contract; the books are to come back.
staff-mail-failed = A mail to the buyer came back.
staff-expires = It expires:
staff-mail-sent = The buyer gets a mail about it, except when the books change hands.
staff-do-paid = The transfer has arrived
staff-do-ready = Ready to collect
staff-do-shipped = Sent
staff-do-collected = Collected and paid
staff-do-delivered = Delivered
staff-cancel = Cancel books
staff-cancel-copies = Cancel these copies
staff-cancel-all = Cancel the whole order
staff-return = Take books back
staff-return-copies = These copies are back
staff-return-all = The whole order is back
staff-changed = This was changed in the meantime, perhaps by somebody else. Nothing was done; the page shows it as it is now.
staff-expired = You have signed in again since this page was shown. Nothing was done; please press the button once more.
staff-refused = That is not possible with this order. Nothing was done.
staff-refused-state = That is not possible, because the order is: { $state }. Nothing was done.
staff-refused-copies = { $count ->
    [one] This line has one copy left. Nothing was done.
   *[other] This line has { $count } copies left. Nothing was done.
}
staff-refused-line = The order has no such book. Nothing was done.
staff-refused-paid = The order is paid. Nothing was done.
staff-note = Delivery note
staff-name = Name
staff-email = Email address
staff-phone = Telephone
staff-buyer-note = The buyer’s note
staff-picks = Pick list
staff-nothing-to-pick = There is nothing to take from the shelves.
staff-picks-more = { $count ->
    [one] This list has the oldest order that waits. More orders wait.
   *[other] This list has the { $count } oldest orders that wait. More orders wait.
}
staff-picks-next = The next orders
staff-picks-oldest = The oldest orders
staff-messages = Messages
staff-messages-open = Open messages
staff-messages-answered = Answered messages
staff-messages-all = All messages
staff-no-messages = There are no messages.
staff-message = Message { $number }
staff-search = Words of a message, or an email address
staff-search-in = In
staff-search-more = Older messages may fit too.
staff-of-sender = All messages from the address of:
staff-same-sender = All messages of this sender
staff-open = Open
staff-answered = Answered
staff-reply = Answer by mail
staff-reply-label = Answer
staff-reply-text = It is sent to { $email } within a few minutes, with the shop’s name and the message below it, and kept with the message. Answers to it come to the shop’s mailbox.
staff-reply-language = Language of the rest of the mail: { $language }.
staff-reply-copy = Send a copy to the shop’s mailbox
staff-reply-send = Send the answer
staff-replies = Answers
staff-reply-waits = It is sent within a few minutes.
staff-reply-sent = Sent
staff-reply-failed = It came back:
staff-reply-copied = with a copy to the shop
staff-mark-answered = Mark as answered
staff-reopen = Open it again
staff-reviews = Reviews
staff-reviews-all = All reviews
staff-reviews-hidden = Hidden reviews
staff-no-reviews = There are no reviews.
staff-review = Review { $number }
staff-hidden = Hidden
staff-shown = Shown
staff-hide = Hide
staff-hide-reason = Why it is hidden
staff-hide-text = Its stars no longer count, and its author cannot rate the book again. The reason is for the staff only.
staff-reason-hint = Write no names of customers here: the reason is kept for a year.
staff-unused-reason = You had typed this reason, which was not used:
staff-unhide = Show it again
staff-reviews-of = Reviews of one visitor
staff-same-visitor = All reviews of this visitor
staff-hide-all = Hide all that are shown: { $count }
staff-hide-all-text = All reviews of this visitor that are shown now are hidden, for one reason. You can show them again here.
staff-unhide-all = Show all that are hidden again: { $count }
staff-unhide-all-text = All reviews of this visitor that are hidden now are shown again, also those that somebody has hidden one by one.
staff-log = Who did what
staff-log-text = What the staff did on these pages in the last year.
staff-log-empty = Nothing yet.
staff-log-refused = not possible
staff-did-paid = marked as paid
staff-did-ready = marked as ready
staff-did-shipped = marked as sent
staff-did-collected = marked as collected
staff-did-delivered = marked as delivered
staff-did-cancel = cancelled
staff-did-return = took back
staff-did-answered = marked as answered
staff-did-reopen = opened again
staff-did-reply = answered by mail
staff-did-hide = hid
staff-did-unhide = showed again
staff-did-add = added
staff-did-change = changed
staff-did-withdraw = took out of sale
staff-did-put-back = put back on sale
staff-did-received = received copies
staff-did-counted = counted copies
staff-did-damaged = took copies away
staff-books = Books
staff-book = Book { $number }
staff-find-book = ISBN, number or words of a book
staff-books-found = Books found by “{ $words }”
staff-no-books = There are no such books.
staff-more = More
staff-list-begin = Back to the beginning
staff-book-new = Add a book
staff-book-new-text = It has no copies yet: they come in on the page of stock.
staff-book-add = Add this book
staff-book-save = Save
staff-book-in-shop = See it in the shop
staff-book-changed = This book was changed in the meantime, perhaps by somebody else. Nothing was saved. Below is what differs from what you typed, which is still in the form; if you save again, what you typed counts.
staff-isbn-taken = Nothing was saved, because another book has this ISBN:
staff-isbn-unknown = No book has the ISBN or number { $isbn }.
staff-too-few = { $count ->
    [0] There are no copies. Nothing was done.
    [one] There is only one copy. Nothing was done.
   *[other] There are only { $count } copies. Nothing was done.
}
staff-too-few-free = Copies that no order waits for: { $stock }. Open orders wait for { $waited }. Nothing was done. If fewer are there than orders wait for, cancel copies on the pages of those orders first, and then count.
staff-now = Now:
staff-typed = You typed:
staff-none = none
staff-facts = Facts of the book
staff-fact-title = Title
staff-fact-authors = Authors
staff-fact-isbn = ISBN
staff-fact-price = Price, with VAT
staff-fact-fixed-price = Price fixed by the publisher
staff-fact-vat-rate = Rate of VAT
staff-fact-publisher = Publisher
staff-fact-publisher-contact = The publisher’s postal address, and email or web address
staff-fact-description = Description
staff-authors-hint = Authors, separated by semicolons
staff-vat-rate-hint = Rate of VAT in percent; blank for that of the shop’s books
staff-genres-hint = Other genres: slugs such as science-fiction, separated by semicolons
staff-language-hint = Language: a code such as es, en or pt-BR
staff-year-hint = Year of first publication, negative before our era
staff-blank-removes = A field that you leave blank is removed from the book.
staff-supplier = The next file of the supplier { $supplier } sets again what it states.
staff-catalogue = The next file of the shop’s own catalogue sets again what it states.
staff-counted-before = This form was sent before with another number, and that one was counted. Nothing was done now. If these copies came in as well, press the button once more.
staff-added-before = This form has added a book before. Nothing was done now. If this is another book, press the button once more; otherwise change the first one:
staff-doubts = Nothing was saved yet. Please look again, and tick the box below the form if it is meant:
staff-doubt-genre = The shop has no genre { $genre } yet: it would be a new one.
staff-doubt-no-price = The price { $before } would be removed: nobody can buy the book without one.
staff-doubt-price = The price would change from { $before } to { $after }.
staff-sure = This is meant
staff-goods-again = This form was sent before ({ $moment }), and counts once. If more copies came in, scan the book again.
staff-copies = { $count ->
    [0] No copies
    [one] 1 copy
   *[other] { $count } copies
}
staff-sold = { $count ->
    [0] none sold in 30 days
    [one] 1 sold in 30 days
   *[other] { $count } sold in 30 days
}
staff-stock = Stock
staff-stock-now = Copies
staff-stock-change = Copies
staff-stock-kind = What has happened
staff-stock-copies = How many copies
staff-stock-reason = Reason or delivery note
staff-stock-hint = Counted are all copies in the shop, also those set aside; those that open orders wait for are subtracted. Copies of an order come back on the page of the order.
staff-stock-save = Change the number of copies
staff-moved-opening = Opening stock
staff-moved-received = Received
staff-moved-sold = Sold
staff-moved-released = Released from an order
staff-moved-returned = Returned from an order
staff-moved-counted = Counted
staff-moved-damaged = Damaged, lost or sent back
staff-goods-in = Goods in
staff-scan = ISBN or number of a book
staff-delivery-note = Delivery note, which stays for the next books
staff-goods-next = Next
staff-goods-receive = Receive
staff-goods-other = Another book
staff-goods-done = { $count ->
    [one] 1 copy received:
   *[other] { $count } copies received:
}
staff-running-out = Running out, the most sold first
staff-left = { $count ->
    [0] Sold out in the last 30 days
    [one] 1 copy
   *[other] { $count } copies
}
staff-sale = On sale
staff-sale-reason = Why
staff-withdraw = Take it out of sale
staff-withdraw-text = It keeps its page and its ratings, and nobody can buy it; its price waits until it is put back. Orders that are placed already stay.
staff-put-back = Put it back on sale
staff-searches = Searches without hits
staff-searches-text = What was looked for in the whole shop and not found, the most frequent first. Who looked for it is not stored.
staff-times = Times
staff-did-preview = uploaded
staff-did-import = had imported
staff-previews = Previewed files to import
staff-imports = Imports
staff-import = Import { $number }
staff-preview = Preview { $number }
staff-import-upload = Upload a file of books
staff-import-upload-text = A CSV file in the format of the catalogue, up to 20 MB and 50,000 rows. You see first what it would do; nothing changes before you have it imported. The form is valid for ten minutes; then load this page again.
staff-import-upload-encoding = Characters of the file
staff-import-upload-unicode = UTF-8 or UTF-16
staff-import-upload-windows = Windows-1252, as older spreadsheets save it
staff-import-upload-file = File
staff-import-upload-send = Upload and preview
staff-uploaded = The file is uploaded
staff-uploaded-text = Its preview begins soon. Files are read one after another.
staff-imports-before = Earlier files
staff-no-imports = There are no imports.
staff-import-wait = This page shows by itself when it is done.
staff-import-running = Being read, up to line { $line }
staff-import-stuck = Interrupted at line { $line }
staff-import-failed = The file was refused as a whole
staff-import-done = Imported
staff-preview-done = Read; nothing has changed
staff-preview-run = Given to the import
staff-import-added = { $count } new
staff-import-changed = { $count } changed
staff-import-unchanged = { $count } unchanged
staff-import-refused = { $count } refused
staff-import-ignored = { $count ->
    [one] { $count } cell ignored
   *[other] { $count } cells ignored
}
staff-import-run = Import this file
staff-import-run-text = The import decides by the books as they are then, so its numbers may differ from these.
staff-import-newer = Another import has changed books since this preview.
staff-import-do = Import
staff-import-asked = The file waits to be imported.
staff-import-nothing = There is nothing to import.
staff-import-gone = The file of this preview is no longer kept. Nothing was done; upload it again.
staff-import-replaced = Another file was uploaded with the same form, and has a preview of its own. Nothing was done.
staff-import-changes = Changed books
staff-import-new = New books
staff-import-refusals = Refused rows
staff-import-cells = Ignored cells
staff-import-line = line { $line }
staff-import-before = Before:
staff-import-after = After:
staff-import-some = Only the first { $count } are shown.
staff-import-csv = Refused rows as CSV
staff-import-csv-text = To be mended and uploaded again. The reasons are in the last columns, which an import does not read. A file ends at 600 KB.
