-- One row a book that the shop sells. Counts and score are kept beside the book, so that every list is one index range.
-- Generated columns: `search_text` ends each word in two underscores, so that none is too short for the full-text
-- index or a stopword; the two `…_order` columns are the not-null stand-ins that keyset paging needs.
create table books (
    id             int unsigned      not null auto_increment,
    reference      varchar(100) collate utf8mb4_bin  not null comment 'the supplier''s own id: what an import finds a book by',
    isbn           char(13) character set ascii collate ascii_bin  null,
    title          varchar(500)      not null,
    byline         varchar(500)      not null comment 'authors in order, joined by commas',
    year           smallint          null     comment 'of first publication, negative before our era',
    language       varchar(35) character set ascii collate ascii_bin  null comment 'BCP 47',
    description    varchar(2000)     null,
    price          int unsigned      null     comment 'minor units',
    currency       char(3) character set ascii collate ascii_bin  null comment 'ISO 4217',
    stock          int unsigned      not null default 0,
    ratings_count  int unsigned      not null default 0,
    score          int unsigned      not null default 3500000 comment 'Bayesian mean in millionths of a star',
    created_at     timestamp         not null default current_timestamp,
    year_order     smallint          as (coalesce(year, -32768)) stored,
    price_order    int unsigned      as (coalesce(price, 4294967295)) stored,
    search_text    varchar(2100)     as (concat(trim(leading '__ ' from regexp_replace(trim(lower(concat_ws(' ', title, byline))), '(*UCP)[\\W_]+', '__ ')), '__')) stored,
    primary key (id),
    unique key books_reference (reference),
    unique key books_isbn (isbn),
    key books_popular (ratings_count, id),
    key books_rating (score, id),
    key books_newest (year_order, id),
    key books_title (title, id),
    key books_price (price_order, id),
    fulltext key books_search (search_text),
    constraint books_price_has_currency check ((price is null) = (currency is null))
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
