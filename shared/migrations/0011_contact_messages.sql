-- What visitors wrote to the shop. Only the writer sees this table: no page shows it.
create table contact_messages (
    id             bigint unsigned  not null auto_increment,
    submission_id  binary(16)       not null,
    name           varchar(80)      not null,
    email          varchar(254)     not null,
    subject        varchar(200)     not null,
    message        text             not null,
    sent_at        timestamp(6)     not null,
    answered_at    timestamp(6)     null,
    primary key (id),
    key contact_messages_open (answered_at, sent_at, id),
    constraint contact_messages_submission foreign key (submission_id) references submissions (id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
