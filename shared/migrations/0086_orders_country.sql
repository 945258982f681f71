-- Where an order was sent. It stays when the address is removed, because the rate of the tax follows from it, and records of
-- sales to other countries of the EU are kept for ten years (Directive 2006/112/EC, article 369k).
alter table orders
    add column country char(2) character set ascii collate ascii_bin null comment 'ISO 3166-1; null where it was collected';
