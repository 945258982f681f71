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
nav-api = API

search = Search
search-label = Search by title, author or ISBN
search-hint = Title, author or ISBN
see-all = See all
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
home-today = Today’s table, { $date }
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
form-too-large = This is too long. Please shorten it: everything you typed is still here.
form-unavailable = We can’t receive this right now. Everything you typed is still here: please try again in a minute.

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
reason-phone = Enter a telephone number such as +34 600 123 123.
reason-postal-code = Enter a postal code of the country.
reason-country = Choose a country.
reason-card-number = Do not enter the number of a card here; the shop never asks for it.
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
    .text = We gather the catalogue from open sources and draw the covers ourselves, from title and authors. If we don’t have a book, ask for it on its page. We don’t sell online yet: prices are for guidance.
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
    .text = We keep it while the shop exists or until you ask us to erase it. Write to us from the same browser: your message carries that random number, and by it we erase all that you sent.
api-title = The shop for programs
api-lead = The catalogue, authors, genres and ratings are there as JSON, too. The OpenAPI document describes it.
api-document = OpenAPI 3.1 document (JSON)
suggestions = Suggestions
