-- The address book of a customer. The version makes a change that another browser has overtaken visible.
create table customer_addresses (
    id          bigint unsigned   not null auto_increment,
    subject     binary(16)        not null,
    address     varchar(2000)     not null comment 'JSON',
    version     int unsigned      not null default 1,
    changed_at  timestamp(6)      not null,
    primary key (id),
    key customer_addresses_subject (subject, id),
    constraint customer_addresses_customer foreign key (subject) references customers (subject) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
