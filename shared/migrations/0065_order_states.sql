-- When an order came to each state, and who brought it there. No state comes twice, which the primary key says.
create table order_states (
    order_number  int unsigned  not null,
    state         varchar(20) character set ascii collate ascii_bin  not null,
    at            timestamp(6)  not null,
    actor         varchar(10) character set ascii collate ascii_bin  not null comment 'buyer, shop or clock',
    primary key (order_number, state),
    constraint order_states_order foreign key (order_number) references orders (number) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
