-- The browsers in which a customer has signed in: what is sent from one belongs to the customer of its latest sign-in.
create table customer_visitors (
    visitor_id  binary(16)    not null,
    subject     binary(16)    not null,
    linked_at   timestamp(6)  not null comment 'the latest sign-in in this browser',
    primary key (visitor_id),
    key customer_visitors_subject (subject),
    constraint customer_visitors_customer foreign key (subject) references customers (subject) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
