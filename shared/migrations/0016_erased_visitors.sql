-- Who was erased, and when: what they had sent before may still be on its way, for hours during an outage, and is refused.
create table erased_visitors (
    visitor_id  binary(16)    not null,
    erased_at   timestamp(6)  not null,
    primary key (visitor_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
