-- People who have signed in, by the subject of the user pool, which has their password and which nobody else knows. The address
-- has a key only where the pool has verified it, because orders of guests are found by it.
create table customers (
    subject          binary(16)       not null,
    email            varchar(254)     not null,
    email_key        binary(32)       null comment 'SHA-256 of the address in small letters; null where it is not verified',
    language         varchar(35) character set ascii collate ascii_bin  null comment 'of pages, if one was chosen',
    default_address  bigint unsigned  null,
    signed_in_at     timestamp(6)     not null comment 'the latest sign-in, whose address counts',
    created_at       timestamp(6)     not null,
    primary key (subject),
    key customers_email (email_key)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
