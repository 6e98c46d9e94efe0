-- Over-the-counter collection: tills of participants' branches, a teller's batch at a till, and its entries.
--
-- A till is reference data; its batches and their entries lie in the till's home shard, which its names choose, so that
-- taking a serial and writing the entry is one shard's transaction and an entry's key is unique for its till, whatever
-- shard the PSID belongs to (a teller's token names the home shard). The money itself is in payment and the journal: an entry is written before the engine is asked and settled by its answer, so that a crash
-- between the two leaves an entry that is asked again, never money without an entry (switch/channels/otc/README.md).

create table otc_till (
  participant_code text not null references participant (code),
  branch           text not null check (branch ~ '^[0-9A-Z]{1,12}$'),
  till             text not null check (till ~ '^[0-9A-Z]{1,8}$'),
  active           boolean not null default true,
  created_at       timestamptz not null,
  primary key (participant_code, branch, till)
);
comment on table otc_till is 'Tills of a participant''s branches at which challans are paid over the counter';

create table otc_batch (
  shard_id              smallint not null check (shard_id between 0 and 99),
  batch_id              bigint not null,
  participant_code      text not null,
  branch                text not null,
  till                  text not null,
  business_date         date not null,
  -- Counts the batches of a till in one day.
  batch_no              smallint not null check (batch_no between 1 and 999),
  teller                text not null check (teller ~ '^[0-9A-Za-z._-]{1,32}$'),
  state                 text not null default 'open' check (state in ('open', 'closing', 'closed')),
  last_serial           integer not null default 0 check (last_serial >= 0),
  -- The signed-in teller: SHA-256 of the token, and the user name that signed in; null when nobody is.
  session_hash          bytea check (length(session_hash) = 32),
  session_username      text,
  session_until         timestamptz,
  opened_at             timestamptz not null,
  closed_at             timestamptz,
  -- What the teller counted, and what the entries come to.
  declared_count        integer check (declared_count >= 0),
  declared_cash_paisa   bigint check (declared_cash_paisa >= 0),
  declared_cheque_paisa bigint check (declared_cheque_paisa >= 0),
  posted_count          integer check (posted_count >= 0),
  posted_cash_paisa     bigint check (posted_cash_paisa >= 0),
  posted_cheque_paisa   bigint check (posted_cheque_paisa >= 0),
  primary key (shard_id, batch_id),
  foreign key (participant_code, branch, till) references otc_till (participant_code, branch, till),
  unique (shard_id, participant_code, branch, till, business_date, batch_no),
  unique (shard_id, session_hash),
  check (num_nulls(session_hash, session_username, session_until) in (0, 3)),
  check ((state = 'closed') = (closed_at is not null)),
  check (num_nulls(closed_at, declared_count, declared_cash_paisa, declared_cheque_paisa,
    posted_count, posted_cash_paisa, posted_cheque_paisa) in (0, 7)),
  check (state <> 'closed' or session_hash is null)
);
comment on table otc_batch is 'A teller''s work at a till between two closings; closed with control totals';
-- One batch at a till at a time.
create unique index otc_batch_living on otc_batch (shard_id, participant_code, branch, till) where state <> 'closed';

create table otc_entry (
  shard_id         smallint not null,
  batch_id         bigint not null,
  serial           integer not null check (serial > 0),
  participant_code text not null,
  request_key      text not null check (length(request_key) between 1 and 120),
  psid             text not null check (psid ~ '^[0-9]{17}$'),
  amount_paisa     bigint not null check (amount_paisa > 0),
  means            text not null check (means in ('cash', 'cheque')),
  cheque_number    text check (length(cheque_number) between 1 and 20),
  cheque_bank      text check (length(cheque_bank) between 1 and 60),
  cheque_date      date,
  state            text not null default 'pending' check (state in ('pending', 'posted', 'refused', 'voiding', 'void')),
  -- pending: not answered yet; voiding: its reversal is not answered yet; a closing asks again for both.
  -- The engine's word for a payment that was answered.
  result           text,
  authorisation    text check (length(authorisation) = 6),
  stamp_ids        text[] not null default '{}',
  entered_at       timestamptz not null,
  settled_at       timestamptz,
  voided_at        timestamptz,
  void_reason      text check (length(void_reason) between 1 and 200),
  primary key (shard_id, batch_id, serial),
  foreign key (shard_id, batch_id) references otc_batch (shard_id, batch_id),
  unique (shard_id, participant_code, request_key),
  check (num_nulls(cheque_number, cheque_bank, cheque_date) = case means when 'cheque' then 0 else 3 end),
  check ((state = 'posted') <= (authorisation is not null)),
  check ((state = 'void') = (voided_at is not null and void_reason is not null))
);
comment on table otc_entry is 'One payment at a till: asked of the engine under request_key, shown on the scroll whatever became of it';
