# The words of the shop. Plain, short sentences.

shop-in-short = Anaquel, a bookshop where you can browse and read what other readers think.
skip = Skip to content
language-own-name = English
nav = Main
nav-books = Books
nav-genres = Genres
nav-contact = Contact
nav-about = About
nav-privacy = Privacy
nav-api = For programs

search = Search
search-label = Search by title, author or ISBN
search-hint = Title, author or ISBN
see-all = See all
back-home = Back to the front page
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
home-today = On our table on { $date }
shelf-best-rated = Best rated
shelf-most-read = Most read
shelf-newest = Newest
shelf-by-author = More books by { $author }
shelf-also-rated = Readers of this also rated
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
nothing-so-far = There is none in this part of the catalogue. Go on searching below.
ask-the-shop = Ask the shop
suggestion-meant = Perhaps you meant this
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
filters-active = Filters in force
filter-remove = Remove the filter
filter-from-stars = From { $stars } stars
filter-up-to = Up to { $amount }
filter-in-stock = In stock only
genre = Genre
language = Language
rating = Rating
price-max = Highest price
sort = Sort by
all-genres = All genres
all-languages = All languages
any-rating = Any rating
apply = Apply
sort-relevance = Relevance
sort-popular = Most read
sort-rating = Best rated
sort-newest = Newest
sort-title = Title
sort-price = Price
nothing-found = We found no book. Try fewer words, or remove a filter.
did-you-mean = Did you mean
all-books = See all books
from-the-start = Back to the start
more-books = More books
no-books = We have none of their books at the moment.
out-of-stock = Out of stock
to-order = To order

stars = Stars
share = Share
ratings = Ratings
stars-of-five = { $mean } of 5 stars
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
stock-none = Out of stock
stock-to-order = Not in the shop, but we can order it for you
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
older-ratings = Older ratings
anonymous = Anonymous
rate-it = Rate it
rate-title = Your rating
your-stars = How many stars do you give it?
your-review = Your review (if you like)
your-name = Your name
your-name-optional = Your name (if you like)
rate-note = It is published with its date. Rate the book again from this browser, and the new rating replaces the old.
rate-send = Publish rating

contact-title = Write to us
contact-lead = A question, a book you cannot find, a mistake on a page: we answer by email.
contact-note = We use your address to answer you, and for nothing else.
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
form-too-large = This is too long to send. Shorten it; everything is still here.
form-unavailable = We cannot take this in right now. Everything you typed is still here: try again in a minute.

error-title = Error:
blank-name = Enter your name.
blank-subject = Enter a subject.
blank-message = Enter your message.
what-name = The name
what-email = The email address
what-subject = The subject
what-message = The message
what-review = The review
what-q = The search
what-genre = The genre
what-language = The language
what-author = The author
what-sort = The order
what-other = The address
reason-blank = { $what } cannot be blank.
reason-too-long = { $what } can have { $a } characters, and you typed { $b }.
reason-too-long-by-unknown = { $what } can have { $a } characters.
reason-email = Enter your whole email address, such as ana@example.org.
reason-marks = A letter can have at most { $a } accents or other marks.
reason-stars = Choose from { $a } to { $b } stars.
reason-amount = Enter a price such as 20 or 19.95.
reason-unknown = { $what } is not valid.
reason-no-such-book = That book is no longer in the shop.
reason-hidden = The shop has hidden it.
reason-hidden-before = The shop hid your earlier rating of this book.
reason-erased = It was erased, as its author asked.
reason-later-rating = You sent a later rating of this book; that one counts.

submission-title = What you sent
submission-received = Received. We are noting it down…
submission-wait = This usually takes a few seconds.
submission-check = Check now
submission-published = Done: it has arrived and is noted down. Thank you!
submission-rejected = We could not accept it.
submission-number = Number:

error-not-found = There is nothing here
    .text = The book may have moved, or the address may be mistyped. Look for it:
error-too-large = This is too long
    .text = What was sent is larger than we take. Go back and shorten it.
error-unavailable = Back in a moment
    .text = The shop cannot reach its storeroom right now. Try again in a minute.
error-request = We do not understand the request
    .text = Something in the address or the form is not as it should be. Go back, or search:
error-internal = We dropped a book
    .text = The mistake is ours and has been written down. Try again, or search:
request-id = If you write to us, quote this number:

about-title = About Anaquel
about-lead = Anaquel is a small bookshop without a server of its own: each page comes from a function that exists only while it is needed.
about-1 = The books
    .text = The catalogue is imported from open files. We draw the covers ourselves, from title and authors.
about-2 = The ratings
    .text = Anybody can rate a book, whether they bought it here or not: we do not check that a reviewer has read it. From one browser, one rating of a book counts, the latest. We publish all of them as they arrive, good or bad, and pay for none; we only hide those that insult, advertise or give away other people’s data, and those do not count either.
about-3 = The scores
    .text = The score that you see is the plain average of all ratings. Some came with the catalogue, from readers elsewhere: a book’s page says how many and where from. We have not checked those. To sort and filter by rating we use another average, as if every book had 25 more ratings of 3.5, so that a single vote does not overtake a thousand happy readers.
about-4 = The code
    .text = All that you see is free software, under the MIT or Apache 2.0 licence.
write-to-us = Write to us
privacy-title = Privacy
privacy-lead = You can look at the whole shop without telling us who you are. There are no trackers or advertisements, and no page asks other sites for anything.
privacy-visitor = When you send a rating or a message
    .text = Your browser gets a cookie with a random number. It lets a second rating of a book replace the first, and does not say who you are.
privacy-language = When you choose a language
    .text = If you change the language, a cookie remembers which. Nothing else.
privacy-typed = What you write
    .text = Ratings are public, under the name that you give or under none. Only the shop reads messages, and your address is used to answer.
privacy-logs = Logs
    .text = We note how long each request takes and whether it fails, and for a limited time from which network address it came and which page it asked for, searches included: so we find out who abuses the shop. What you type into the other forms is not noted there.
privacy-erase = Having it erased
    .text = We keep it while the shop exists or until you ask us to erase it. Write to us from the same browser: your message carries that random number, and by it we erase all that you sent.
api-title = The shop for programs
api-lead = All that you see is there as JSON, too. The OpenAPI document describes it.
api-document = OpenAPI 3.1 document (JSON)
suggestions = Suggestions
