-- The core of the books and registers: participants, accounts, challans, payments, journal, stamps, outbox,
-- and the two functions through which the lane changes them (post_payments, reverse_payments).
--
-- Rules of the schema (docs/adr/0002-schema.md): the shard leads every key of a distributed table; foreign
-- keys stay inside a shard or point to small reference tables; no sequences; the journal is append-only;
-- the journal is partitioned by business date, which is part of its keys.

-- ------------------------------------------------------------------ reference: who may pay

create table participant (
  code                        text primary key check (code ~ '^[A-Z0-9]{2,12}$'),
  name                        text not null,
  channel                     text not null check (channel in ('iso8583', 'onebill', 'jazzcash', 'easypaisa', 'otc')),
  active                      boolean not null default true,
  institution_id              text unique check (institution_id ~ '^[0-9]{1,11}$'),
  bank_mnemonic               text unique check (length(bank_mnemonic) between 1 and 8),
  allowed_addresses           text[] not null default '{}',
  username                    text unique,
  password_hash               text,
  settings                    jsonb not null default '{}',
  limit_per_transaction_paisa bigint check (limit_per_transaction_paisa > 0),
  limit_per_day_paisa         bigint check (limit_per_day_paisa > 0),
  -- What the participant may owe us beyond its prefunding, in each shard.
  net_debit_cap_paisa         bigint check (net_debit_cap_paisa >= 0),
  created_at                  timestamptz not null default now(),
  check ((username is null) = (password_hash is null))
);
comment on table participant is 'Banks, wallets and teller networks that may send payments';

-- The business date that a participant has announced (0800 with DE 70 = 201): one row a cutover.
create table participant_cutover (
  participant_code text not null references participant (code),
  business_date    date not null,
  announced_at     timestamptz not null,
  stan             text not null check (length(stan) <= 12),
  primary key (participant_code, business_date)
);

-- ISO 8583 messages that this side sends and must repeat until they are answered (store and forward).
create table iso_forward (
  participant_code text not null references participant (code),
  forward_id       bigint not null,
  match_key        text not null check (length(match_key) between 1 and 120),
  -- {"mti": "0420", "fields": {"3": "500000"}}; never card, track, PIN or chip data.
  message          jsonb not null,
  attempts         integer not null default 0 check (attempts >= 0),
  next_at          timestamptz not null,
  created_at       timestamptz not null,
  settled_at       timestamptz,
  answer_code      text check (length(answer_code) <= 20),
  primary key (participant_code, forward_id),
  unique (participant_code, match_key),
  check ((settled_at is null) = (answer_code is null))
);
create index iso_forward_due on iso_forward (next_at) where settled_at is null;

-- ------------------------------------------------------------------ accounts and balances

create table account (
  shard_id         smallint not null check (shard_id between 0 and 99),
  account_id       bigint not null,
  path             text not null check (path ~ '^[a-z0-9]+(:[A-Za-z0-9-]+)+$'),
  kind             text not null check (kind in ('asset', 'liability', 'income', 'expense')),
  head_code        text references head_of_account (code),
  participant_code text references participant (code),
  opened_at        timestamptz not null default now(),
  primary key (shard_id, account_id),
  unique (shard_id, path)
);
comment on column account.path is
  'treasury:<head> · participant:<code>:settlement · participant:<code>:prefunding · vendor:<licence>:float · imprest:<name> · suspense:unmatched · bank:<what>';

create table account_balance (
  shard_id       smallint not null,
  account_id     bigint not null,
  debits_paisa   bigint not null default 0 check (debits_paisa >= 0),
  credits_paisa  bigint not null default 0 check (credits_paisa >= 0),
  postings       bigint not null default 0,
  -- Reserved by living holds: no longer free to spend, not yet spent.
  held_paisa     bigint not null default 0 check (held_paisa >= 0),
  -- A guarded account (a float, an imprest, a prefunding) never pays out, nor reserves, more than it holds.
  guarded        boolean not null default false,
  primary key (shard_id, account_id),
  foreign key (shard_id, account_id) references account (shard_id, account_id),
  constraint balance_guarded check (not guarded or credits_paisa - debits_paisa >= held_paisa)
) with (fillfactor = 20);
comment on table account_balance is 'Running totals; equal to the sums of account_day at every commit';

create table account_day (
  shard_id       smallint not null,
  account_id     bigint not null,
  business_date  date not null,
  debits_paisa   bigint not null default 0 check (debits_paisa >= 0),
  credits_paisa  bigint not null default 0 check (credits_paisa >= 0),
  postings       bigint not null default 0,
  primary key (shard_id, account_id, business_date),
  foreign key (shard_id, account_id) references account (shard_id, account_id)
) with (fillfactor = 20);
comment on table account_day is 'What moved on each account each business day; kept when the day''s postings are archived';

-- ------------------------------------------------------------------ challans

create table challan (
  shard_id          smallint not null,
  psid              text not null check (psid ~ '^[0-9]{17}$'),
  challan_number    text not null,
  kind              text not null check (kind in ('e-stamp')),
  state             text not null default 'payable' check (state in ('payable', 'paid', 'cancelled')),
  amount_paisa      bigint not null check (amount_paisa > 0),
  payable_until     date not null,
  payer_name        text not null,
  district_code     text not null references district (code),
  application       jsonb not null,
  duty              jsonb not null,
  facts_secret      bytea not null check (length(facts_secret) = 32),
  idempotency_key   text not null,
  application_hash  bytea not null check (length(application_hash) = 32),
  created_at        timestamptz not null,
  payment_id        bigint,
  paid_at           timestamptz,
  primary key (shard_id, psid),
  unique (shard_id, challan_number),
  unique (shard_id, idempotency_key),
  check (substr(psid, 4, 2)::smallint = shard_id),
  check ((state = 'paid') = (payment_id is not null)),
  check ((payment_id is null) = (paid_at is null))
) with (fillfactor = 60, toast_tuple_target = 128);
comment on column challan.duty is 'The calculation with every step and the versions it used; a challan keeps it for ever';
comment on column challan.facts_secret is 'Source of the salts of the stamp''s facts; deleting it makes the commitments unreadable';

create table challan_line (
  shard_id          smallint not null,
  psid              text not null,
  line_no           smallint not null check (line_no between 1 and 99),
  head_code         text not null references head_of_account (code),
  account_id        bigint not null,
  description       text not null,
  amount_paisa      bigint not null check (amount_paisa > 0),
  assumed           boolean not null,
  -- A line with a stamp kind bears an e-stamp of its amount.
  stamp_kind        text check (stamp_kind in ('non-judicial', 'judicial', 'low-denomination')),
  article           text,
  stamp_description text,
  facts_root        bytea check (length(facts_root) = 32),
  primary key (shard_id, psid, line_no),
  -- No foreign key to challan: written with it in one transaction, compared by an invariant; a check made while the
  -- tables were small would go on reading the whole shard until statistics are gathered (docs/adr/0002-schema.md).
  foreign key (shard_id, account_id) references account (shard_id, account_id),
  check (num_nulls(stamp_kind, article, stamp_description, facts_root) in (0, 4))
);

-- ------------------------------------------------------------------ payments and requests

create table payment (
  shard_id         smallint not null,
  payment_id       bigint not null,
  psid             text not null,
  participant_code text not null,
  channel          text not null,
  request_key      text not null check (length(request_key) between 1 and 120),
  reference        text not null check (length(reference) <= 40),
  amount_paisa     bigint not null check (amount_paisa > 0),
  business_date    date not null,
  authorisation    text not null check (length(authorisation) = 6),
  posted_at        timestamptz not null,
  state            text not null default 'posted' check (state in ('posted', 'reversed')),
  reversed_at      timestamptz,
  -- The lane locks the challan before it writes this row, and an invariant compares the two: a foreign key
  -- would look each challan up a second time in the hottest statement of the product. The same holds for stamp.
  primary key (shard_id, payment_id),
  check ((state = 'reversed') = (reversed_at is not null))
);
-- One unreversed payment a challan, whatever the code does.
create unique index payment_once_per_challan on payment (shard_id, psid) where state = 'posted';

create table request_record (
  shard_id         smallint not null,
  participant_code text not null,
  request_key      text not null,
  kind             text not null check (kind in ('payment', 'reversal', 'tombstone', 'entry', 'hold')),
  psid             text not null,
  amount_paisa     bigint not null,
  original_key     text,
  result           text not null,
  payment_id       bigint,
  answered_at      timestamptz not null,
  primary key (shard_id, participant_code, request_key)
);
comment on table request_record is
  'The answer given to every request, for ever: a repeat gets it again. A tombstone is a reversal that came before its payment';
comment on column request_record.payment_id is 'The payment, journal entry, suspense item or hold that the request made';

-- Money that a bank took and told us of (an advice), which no challan could be paid with.
create table suspense_item (
  shard_id         smallint not null,
  suspense_id      bigint not null,
  participant_code text not null,
  channel          text not null,
  request_key      text not null,
  reference        text not null,
  psid             text not null,
  amount_paisa     bigint not null check (amount_paisa > 0),
  reason           text not null,
  business_date    date not null,
  posted_at        timestamptz not null,
  state            text not null default 'open' check (state in ('open', 'applied', 'returned')),
  settled_at       timestamptz,
  primary key (shard_id, suspense_id),
  check ((state = 'open') = (settled_at is null))
);
comment on table suspense_item is 'Each open item is a credit on suspense:unmatched; suspense_id is its journal entry';
create index suspense_item_open on suspense_item (shard_id, suspense_id) where state = 'open';

-- Two-phase spending: reserved now, then posted, voided or expired, once. Kept here, so that a restart forgets none.
create table hold (
  shard_id      smallint not null,
  hold_id       bigint not null,
  account_id    bigint not null,
  amount_paisa  bigint not null check (amount_paisa > 0),
  purpose       text not null check (length(purpose) between 1 and 200),
  state         text not null default 'reserved' check (state in ('reserved', 'posted', 'voided', 'expired')),
  reserved_at   timestamptz not null,
  expires_at    timestamptz not null check (expires_at > reserved_at),
  settled_at    timestamptz,
  -- The journal entry that spent it.
  journal_id    bigint,
  primary key (shard_id, hold_id),
  foreign key (shard_id, account_id) references account (shard_id, account_id),
  check ((state = 'reserved') = (settled_at is null)),
  check ((state = 'posted') = (journal_id is not null))
);
create index hold_living on hold (shard_id, expires_at) where state = 'reserved';

-- A hold is settled once, and what it reserved never changes.
create function check_hold_move() returns trigger language plpgsql as $$
begin
  if old.state <> 'reserved' or (old.shard_id, old.hold_id, old.account_id, old.amount_paisa, old.purpose, old.reserved_at, old.expires_at)
     is distinct from (new.shard_id, new.hold_id, new.account_id, new.amount_paisa, new.purpose, new.reserved_at, new.expires_at) then
    raise exception 'hold % cannot be changed', old.hold_id using errcode = 'SN008';
  end if;
  return new;
end $$;
create trigger hold_moves before update on hold for each row execute function check_hold_move();

-- ------------------------------------------------------------------ the journal

create table journal_entry (
  shard_id            smallint not null,
  business_date       date not null,
  journal_id          bigint not null,
  kind                text not null check (kind in ('payment', 'reversal', 'suspense', 'funding', 'settlement', 'adjustment')),
  payment_id          bigint,
  reverses_journal_id bigint,
  posted_at           timestamptz not null,
  description         text check (length(description) <= 200),
  primary key (shard_id, business_date, journal_id),
  check (kind not in ('payment', 'reversal') or payment_id is not null or reverses_journal_id is not null),
  check (kind in ('payment', 'reversal', 'suspense') or description is not null)
) partition by range (business_date);

create table posting (
  shard_id      smallint not null,
  business_date date not null,
  journal_id    bigint not null,
  line_no       smallint not null,
  account_id    bigint not null,
  side          "char" not null check (side in ('D', 'C')),
  amount_paisa  bigint not null check (amount_paisa > 0),
  primary key (shard_id, business_date, journal_id, line_no)
) partition by range (business_date);
create index posting_by_account on posting (shard_id, account_id, business_date, journal_id, line_no);

-- Makes the monthly partitions from one month to another (both included); called at every start for the months ahead.
create function ensure_journal_partitions(p_from date, p_to date) returns void language plpgsql as $$
declare
  v_month date := date_trunc('month', p_from)::date;
  v_table text;
begin
  while v_month <= p_to loop
    foreach v_table in array array['journal_entry', 'posting'] loop
      if to_regclass(format('%s_%s', v_table, to_char(v_month, 'YYYY_MM'))) is null then
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          v_table || '_' || to_char(v_month, 'YYYY_MM'), v_table, v_month, (v_month + interval '1 month')::date);
      end if;
    end loop;
    v_month := (v_month + interval '1 month')::date;
  end loop;
end $$;
select ensure_journal_partitions('2026-07-01', '2027-12-01');
-- A business date outside the months made so far must never stop a payment.
create table journal_entry_other partition of journal_entry default;
create table posting_other partition of posting default;

-- Months whose journal was written to files and taken out of the tables; account_day keeps their totals.
create table archived_month (
  table_name  text not null check (table_name in ('journal_entry', 'posting')),
  month       date not null check (extract(day from month) = 1),
  row_count   bigint not null check (row_count >= 0),
  file_name   text not null,
  file_sha256 bytea not null check (length(file_sha256) = 32),
  archived_at timestamptz not null,
  primary key (table_name, month)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed or deleted; post a reversing entry', tg_table_name using errcode = 'SN001';
end $$;
create trigger journal_entry_append_only before update or delete on journal_entry for each row execute function refuse_change();
create trigger journal_entry_no_truncate before truncate on journal_entry for each statement execute function refuse_change();
create trigger posting_append_only before update or delete on posting for each row execute function refuse_change();
create trigger posting_no_truncate before truncate on posting for each statement execute function refuse_change();
create trigger archived_month_stays before update or delete on archived_month for each row execute function refuse_change();
create trigger account_day_append_only before delete on account_day for each row execute function refuse_change();
create trigger suspense_item_stays before delete on suspense_item for each row execute function refuse_change();
create trigger hold_stays before delete on hold for each row execute function refuse_change();
create trigger request_record_append_only before delete on request_record for each row execute function refuse_change();

-- Every journal entry balances within the statement that writes it.
create function check_balanced() returns trigger language plpgsql as $$
declare
  v_journal bigint;
begin
  select n.journal_id into v_journal from new_postings n
  group by n.shard_id, n.journal_id
  having sum(case n.side when 'D' then n.amount_paisa else -n.amount_paisa end) <> 0
  limit 1;
  if found then
    raise exception 'journal entry % does not balance', v_journal using errcode = 'SN002';
  end if;
  return null;
end $$;
create trigger posting_balanced after insert on posting referencing new table as new_postings
  for each statement execute function check_balanced();

-- ------------------------------------------------------------------ stamps

create table stamp (
  shard_id         smallint not null,
  stamp_id         text not null check (length(stamp_id) = 16),
  psid             text not null,
  line_no          smallint not null,
  payment_id       bigint not null,
  kind             text not null check (kind in ('non-judicial', 'judicial', 'low-denomination')),
  amount_paisa     bigint not null check (amount_paisa > 0),
  issued_at        timestamptz not null,
  salt             bytea not null check (length(salt) = 16),
  record_root      bytea not null check (length(record_root) = 32),
  log_size         bigint not null,
  state            text not null default 'issued' check (state in ('issued', 'delisted', 'spoiled', 'refunded', 'cancelled')),
  state_changed_at timestamptz,
  used_for         text,
  primary key (shard_id, stamp_id)
);
-- One stamp a line of a payment, and (payment_once_per_challan) one unreversed payment a challan: so one living stamp
-- a challan line. By payment, since that grows with time; an index by PSID would touch a random page for each stamp.
create unique index stamp_once_per_line on stamp (shard_id, payment_id, line_no);

create table stamp_event (
  shard_id   smallint not null,
  event_id   bigint not null,
  stamp_id   text not null,
  kind       text not null check (kind in ('cancel', 'lock', 'spoil', 'refund')),
  at         timestamptz not null,
  actor      text not null,
  reason     text not null,
  commitment bytea not null check (length(commitment) = 32),
  primary key (shard_id, event_id),
  foreign key (shard_id, stamp_id) references stamp (shard_id, stamp_id)
);
create index stamp_event_by_stamp on stamp_event (shard_id, stamp_id);
create trigger stamp_event_append_only before update or delete on stamp_event for each row execute function refuse_change();

create table stamp_seal (
  shard_id  smallint not null,
  stamp_id  text not null,
  qr_text   text not null,
  sealed_at timestamptz not null,
  primary key (shard_id, stamp_id),
  foreign key (shard_id, stamp_id) references stamp (shard_id, stamp_id)
);
comment on table stamp_seal is 'The seal as first printed, so that every print of a stamp carries the same code';

-- A stamp's facts never change, and its state moves only forward by the table of DOMAIN.md §3.
create function check_stamp_move() returns trigger language plpgsql as $$
begin
  if (old.shard_id, old.stamp_id, old.psid, old.line_no, old.payment_id, old.kind, old.amount_paisa, old.issued_at, old.salt, old.record_root, old.log_size)
     is distinct from
     (new.shard_id, new.stamp_id, new.psid, new.line_no, new.payment_id, new.kind, new.amount_paisa, new.issued_at, new.salt, new.record_root, new.log_size) then
    raise exception 'the facts of stamp % never change', old.stamp_id using errcode = 'SN003';
  end if;
  if (old.state, new.state) not in (('issued', 'delisted'), ('issued', 'spoiled'), ('issued', 'cancelled'), ('issued', 'refunded'), ('spoiled', 'refunded')) then
    raise exception 'stamp % cannot move from % to %', old.stamp_id, old.state, new.state using errcode = 'SN004';
  end if;
  return new;
end $$;
create trigger stamp_moves before update on stamp for each row execute function check_stamp_move();
create trigger stamp_never_deleted before delete on stamp for each row execute function refuse_change();
create trigger stamp_no_truncate before truncate on stamp for each statement execute function refuse_change();

-- ------------------------------------------------------------------ outbox and lease

create table outbox (
  shard_id           smallint not null,
  outbox_id          bigint not null,
  kind               text not null check (kind in ('issue', 'lock', 'cancel', 'refund', 'spoil')),
  stamp_id           text not null,
  at                 timestamptz not null,
  amount_paisa       bigint not null,
  payment_commitment bytea check (length(payment_commitment) = 32),
  commitment         bytea not null check (length(commitment) = 32),
  log_size           bigint not null,
  primary key (shard_id, outbox_id),
  check ((kind = 'issue') = (payment_commitment is not null))
);
comment on table outbox is 'What the log must still be told; a row leaves only in the commit that plans its leaf';

create table lane_lease (
  shard_id   smallint primary key,
  epoch      bigint not null,
  holder     text not null,
  expires_at timestamptz not null
);
comment on table lane_lease is 'Who runs a shard''s lane; the epoch fences off a lane that was taken over';

-- ------------------------------------------------------------------ functions of the lane

-- The Damm check digit of docs/spec/psid.md.
create function check_digit(p_digits text) returns text language plpgsql immutable strict parallel safe as $$
declare
  v_table constant text := '0317598642709215486342068713591750983426612304597836742095815869720134894536201794386172052581436790';
  v_interim integer := 0;
begin
  for i in 1 .. length(p_digits) loop
    v_interim := substr(v_table, v_interim * 10 + substr(p_digits, i, 1)::integer + 1, 1)::integer;
  end loop;
  return v_interim::text;
end $$;

-- One step of the same table. Written so that the planner puts it into the statement that uses it: the lane makes
-- a check digit for every stamp, and a loop costs it twenty times as much.
create function damm_step(p_interim integer, p_digit integer) returns integer language sql immutable parallel safe as $$
  select get_byte('\x00030107050908060402070009020105040806030402000608070103050901070500090803040206060102030004050907080306070402000905080105080609070200010304080904050306020001070904030806010702000502050801040306070900'::bytea, p_interim * 10 + p_digit)
$$;

-- The check digit of a body of fifteen digits, given as a number.
create function check_digit_of_15(p_body bigint) returns integer language sql immutable parallel safe as $$
  select damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(damm_step(0, (p_body / 100000000000000)::integer),
    (p_body / 10000000000000 % 10)::integer),
    (p_body / 1000000000000 % 10)::integer),
    (p_body / 100000000000 % 10)::integer),
    (p_body / 10000000000 % 10)::integer),
    (p_body / 1000000000 % 10)::integer),
    (p_body / 100000000 % 10)::integer),
    (p_body / 10000000 % 10)::integer),
    (p_body / 1000000 % 10)::integer),
    (p_body / 100000 % 10)::integer),
    (p_body / 10000 % 10)::integer),
    (p_body / 1000 % 10)::integer),
    (p_body / 100 % 10)::integer),
    (p_body / 10 % 10)::integer),
    (p_body % 10)::integer)
$$;

-- The fifteen digits of an e-stamp id made of a hash: its first 63 bits (docs/spec/stamp-id.md).
create function stamp_body_of(p_hash bytea) returns bigint language sql immutable parallel safe as $$
  select (('x' || encode(substring(p_hash from 1 for 8), 'hex'))::bit(64)::bigint & 9223372036854775807) % 1000000000000000
$$;

-- Milliseconds since 1970 as eight bytes, most significant first.
create function epoch_ms(p_at timestamptz) returns bytea language sql immutable strict parallel safe as $$
  select int8send((extract(epoch from p_at) * 1000)::bigint)
$$;

-- The commitment of a life event (docs/spec/leaf.md).
create function event_commitment(p_salt bytea, p_stamp_id text, p_kind text, p_at timestamptz, p_reason text) returns bytea
language sql immutable strict parallel safe as $$
  select sha256('\x03'::bytea || p_salt || convert_to(p_stamp_id || p_kind, 'UTF8') || '\x00'::bytea || epoch_ms(p_at) || convert_to(p_reason, 'UTF8'))
$$;

-- Takes the lease of a shard when it is free, expired, or the holder's already; answers its new epoch, or null.
create function take_lane(p_shard smallint, p_holder text, p_now timestamptz, p_ttl_ms bigint) returns bigint language plpgsql as $$
declare
  v_epoch bigint;
begin
  insert into lane_lease as l (shard_id, epoch, holder, expires_at)
  values (p_shard, 1, p_holder, p_now + p_ttl_ms * interval '1 millisecond')
  on conflict (shard_id) do update set epoch = l.epoch + 1, holder = excluded.holder, expires_at = excluded.expires_at
    where l.expires_at < p_now or l.holder = excluded.holder
  returning l.epoch into v_epoch;
  return v_epoch;
end $$;

-- Refuses the caller whose lease was taken over; holds the lease against a taker until commit.
create function hold_lane(p_shard smallint, p_epoch bigint) returns void language plpgsql as $$
begin
  perform 1 from lane_lease where shard_id = p_shard and epoch = p_epoch for no key update;
  if not found then
    raise exception 'the lease of shard % is held by another lane', p_shard using errcode = 'SN005';
  end if;
end $$;

-- Adds an amount to a running total unless that would pass the allowance (null: none): a payment over the limit
-- is left out, and a later, smaller one may still fit.
create function add_within(p_total bigint, p_amount bigint, p_allowance bigint) returns bigint language sql immutable as $$
  select case when p_allowance is null or p_total + p_amount <= p_allowance then p_total + p_amount else p_total end
$$;
create aggregate sum_within (bigint, bigint) (sfunc = add_within, stype = bigint, initcond = '0');

-- Challans are not locked before they are judged: the lane alone pays them, and of the officer who cancels one at
-- that very moment either he or the batch waits. If he was first, the update finds fewer challans payable than were
-- approved, and the batch is run again as after any serialization failure.
create function same_count(p_paid bigint, p_approved bigint) returns boolean language plpgsql stable as $$
begin
  if p_paid <> p_approved then
    raise exception 'a challan changed while it was being paid' using errcode = '40001';
  end if;
  return true;
end $$;

-- Posts a batch: matches each request to its challan, posts it, issues its stamps, records the answer and
-- fills the outbox, all in one statement. A refused payment never hinders its neighbours. One row per input,
-- in input order. Precedence of answers: the original answer of a repeat; participant-unavailable,
-- unknown-consumer, blocked, already-paid, expired, amount-mismatch, hold-unavailable, limit-exceeded; approved.
-- An advice (the bank has the money already) that would be refused for its challan or limit is posted to
-- suspense:unmatched and answered in-suspense. `busy` is not recorded: two requests of one batch wanted the same
-- challan or hold, and the first of them failed; the caller may ask again.
create function post_payments(
  p_shard smallint, p_epoch bigint, p_posted_at timestamptz,
  p_payment_ids bigint[], p_participants text[], p_channels text[], p_request_keys text[],
  p_psids text[], p_amounts bigint[], p_references text[], p_seeds bytea[], p_holds bigint[], p_advices boolean[]
) returns table (
  ordinal integer, result text, repeated boolean, payment_id bigint, authorisation text,
  posted_at timestamptz, business_date date, stamp_ids text[]
)
-- The plan must be good for tables that grow: one plan, made once, that looks rows up by their keys even where the
-- tables were empty when it was made.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
language plpgsql as $$
#variable_conflict use_column
declare
  v_today date := (p_posted_at at time zone 'Asia/Karachi')::date;
  v_today_bytes bytea := convert_to(to_char((p_posted_at at time zone 'Asia/Karachi')::date, 'YYYY-MM-DD'), 'UTF8');
  v_at_bytes bytea := epoch_ms(p_posted_at);
  v_log_size bigint;
  v_suspense bigint;
begin
  perform hold_lane(p_shard, p_epoch);
  select h.size into strict v_log_size from anchor_head h;
  select a.account_id into v_suspense from account a where a.shard_id = p_shard and a.path = 'suspense:unmatched';
  return query
  with input as materialized (
    select i.ordinal::integer, i.payment_id, i.participant, i.channel, i.request_key, i.psid, i.amount, i.reference, i.seed, i.hold, i.advice
    from unnest(p_payment_ids, p_participants, p_channels, p_request_keys, p_psids, p_amounts, p_references, p_seeds, p_holds, p_advices)
      with ordinality as i(payment_id, participant, channel, request_key, psid, amount, reference, seed, hold, advice, ordinal)
  ),
  prior as materialized (
    select i.ordinal, r.payment_id,
      case when r.kind = 'tombstone' then 'reversed-before'
           when r.kind <> 'payment' or r.psid <> i.psid or r.amount_paisa <> i.amount then 'key-reused'
           when m.state = 'reversed' or u.state = 'returned' then 'reversed-before'
           else r.result end as result
    from input i
    -- `limit` keeps these look-ups by key, one a request, whatever the planner thinks of the tables' sizes.
    cross join lateral (select q.* from request_record q
      where q.shard_id = p_shard and q.participant_code = i.participant and q.request_key = i.request_key limit 1) r
    left join lateral (select q.state from payment q where q.shard_id = p_shard and q.payment_id = r.payment_id limit 1) m on true
    left join lateral (select q.state from suspense_item q where q.shard_id = p_shard and q.suspense_id = r.payment_id limit 1) u on true
  ),
  fresh as materialized (
    select i.*, row_number() over (partition by i.participant, i.request_key order by i.ordinal) as copy,
      first_value(i.ordinal) over (partition by i.participant, i.request_key order by i.ordinal) as first_ordinal
    from input i
    where not exists (select 1 from prior p where p.ordinal = i.ordinal)
  ),
  bill as materialized (
    select c.psid, c.state, c.amount_paisa, c.payable_until
    from challan c
    where c.shard_id = p_shard and c.psid = any (p_psids)
  ),
  reserve as materialized (
    select h.hold_id, h.account_id, h.amount_paisa, h.expires_at
    from hold h
    where h.shard_id = p_shard and h.hold_id = any (p_holds) and h.state = 'reserved'
    order by h.hold_id
    for no key update
  ),
  -- Who pays, and how much more of it: what is left of the day's limit and of the net debit cap with prefunding.
  payer as materialized (
    select p.code, s.account_id, p.limit_per_transaction_paisa as per_payment,
      least(p.limit_per_day_paisa - coalesce(d.debits_paisa, 0),
        p.net_debit_cap_paisa - (b.debits_paisa - b.credits_paisa + b.held_paisa)
          + coalesce((select fb.credits_paisa - fb.debits_paisa from account fa join account_balance fb using (shard_id, account_id)
              where fa.shard_id = p_shard and fa.path = 'participant:' || p.code || ':prefunding'), 0)) as allowance
    from participant p
    join account s on s.shard_id = p_shard and s.path = 'participant:' || p.code || ':settlement'
    join account_balance b on b.shard_id = p_shard and b.account_id = s.account_id
    left join account_day d on d.shard_id = p_shard and d.account_id = s.account_id and d.business_date = v_today
    where p.code = any (p_participants) and p.active
    -- Against a hold that is being reserved on the same account.
    for no key update of b
  ),
  judged as materialized (
    select f.*, coalesce(h.account_id, y.account_id) as debit_account, h.amount_paisa as reserved,
      case when f.hold is null then y.allowance end as allowance,
      case
        when y.code is null then 'participant-unavailable'
        when b.psid is null then 'unknown-consumer'
        when b.state = 'cancelled' then 'blocked'
        when b.state = 'paid' then 'already-paid'
        when b.payable_until < v_today then 'expired'
        when b.amount_paisa <> f.amount then 'amount-mismatch'
        when f.hold is not null and (h.hold_id is null or h.expires_at <= p_posted_at or h.amount_paisa < f.amount) then 'hold-unavailable'
        when f.hold is null and y.per_payment < f.amount then 'limit-exceeded'
      end as refusal
    from fresh f
    left join bill b on b.psid = f.psid
    left join payer y on y.code = f.participant
    left join reserve h on h.hold_id = f.hold
    where f.copy = 1
  ),
  contested as materialized (
    select k.*, case when k.refusal is not null then k.refusal when k.psid_rank > 1 then 'psid-contested' when k.hold_rank > 1 then 'hold-contested' end as verdict
    from (
      select j.*, row_number() over (partition by j.psid, j.refusal is null order by j.ordinal) as psid_rank,
        case when j.hold is not null then row_number() over (partition by coalesce(j.hold, -j.ordinal), j.refusal is null order by j.ordinal) end as hold_rank
      from judged j
    ) k
  ),
  counted as materialized (
    select c.*, coalesce(c.verdict, 'approved') as outcome from contested c where c.verdict is not null or c.allowance is null
    union all
    select c.*, case when sum_within(c.amount, c.allowance) over upto <> coalesce(sum_within(c.amount, c.allowance) over earlier, 0)
        then 'approved' else 'limit-exceeded' end
    from contested c where c.verdict is null and c.allowance is not null
    window upto as (partition by c.participant order by c.ordinal),
      earlier as (partition by c.participant order by c.ordinal rows between unbounded preceding and 1 preceding)
  ),
  decided as materialized (
    select n.*,
      case when n.advice and v_suspense is not null and n.hold is null and n.reason in ('unknown-consumer', 'blocked', 'already-paid', 'expired', 'amount-mismatch', 'limit-exceeded')
        then 'in-suspense' else n.reason end as result
    from (select c.*,
      case c.outcome
        when 'psid-contested' then case when c.psid in (select x.psid from counted x where x.outcome = 'approved') then 'already-paid' else 'busy' end
        when 'hold-contested' then case when c.hold in (select x.hold from counted x where x.outcome = 'approved' and x.hold is not null) then 'hold-unavailable' else 'busy' end
        else c.outcome end as reason,
      lpad((c.payment_id % 1000000)::text, 6, '0') as authorisation
    from counted c) n
  ),
  line as materialized (
    select d.ordinal, d.payment_id, d.psid, d.participant, d.request_key, d.amount as total, d.seed,
      l.line_no, l.account_id, l.amount_paisa, l.stamp_kind, l.facts_root
    from decided d
    cross join lateral (select q.* from challan_line q where q.shard_id = p_shard and q.psid = d.psid offset 0) l
    where d.result = 'approved'
  ),
  new_posting as materialized (
    select d.payment_id as journal_id, 0::smallint as line_no, d.debit_account as account_id, 'D'::"char" as side, d.amount as amount_paisa
    from decided d where d.result in ('approved', 'in-suspense')
    union all
    select l.payment_id, l.line_no, l.account_id, 'C'::"char", l.amount_paisa from line l
    union all
    select d.payment_id, 1::smallint, v_suspense, 'C'::"char", d.amount from decided d where d.result = 'in-suspense'
  ),
  movement as materialized (
    select v.account_id, sum(v.debit)::bigint as debits, sum(v.credit)::bigint as credits, sum(v.postings) as postings, sum(v.released)::bigint as released
    from (
      select n.account_id, case n.side when 'D' then n.amount_paisa else 0 end as debit, case n.side when 'C' then n.amount_paisa else 0 end as credit,
        1 as postings, 0::bigint as released
      from new_posting n
      union all
      select d.debit_account, 0, 0, 0, d.reserved from decided d where d.result = 'approved' and d.hold is not null
    ) v
    group by v.account_id
  ),
  locked as materialized (
    select b.account_id from account_balance b
    where b.shard_id = p_shard and b.account_id in (select m.account_id from movement m)
    order by b.account_id
    for no key update
  ),
  moved as (
    update account_balance b
    set debits_paisa = b.debits_paisa + m.debits, credits_paisa = b.credits_paisa + m.credits, postings = b.postings + m.postings, held_paisa = b.held_paisa - m.released
    from movement m join locked k on k.account_id = m.account_id
    where b.shard_id = p_shard and b.account_id = m.account_id
    returning 1
  ),
  moved_today as (
    insert into account_day as y (shard_id, account_id, business_date, debits_paisa, credits_paisa, postings)
    select p_shard, m.account_id, v_today, m.debits, m.credits, m.postings
    from movement m join locked k on k.account_id = m.account_id
    on conflict (shard_id, account_id, business_date) do update
    set debits_paisa = y.debits_paisa + excluded.debits_paisa, credits_paisa = y.credits_paisa + excluded.credits_paisa, postings = y.postings + excluded.postings
    returning 1
  ),
  spent as (
    update hold h set state = 'posted', settled_at = p_posted_at, journal_id = d.payment_id
    from decided d
    where d.result = 'approved' and d.hold is not null and h.shard_id = p_shard and h.hold_id = d.hold
    returning 1
  ),
  paid as (
    update challan c set state = 'paid', payment_id = d.payment_id, paid_at = p_posted_at
    from decided d
    where d.result = 'approved' and c.shard_id = p_shard and c.psid = d.psid and c.state = 'payable'
    returning 1
  ),
  posted as (
    insert into payment (shard_id, payment_id, psid, participant_code, channel, request_key, reference, amount_paisa, business_date, authorisation, posted_at)
    select p_shard, d.payment_id, d.psid, d.participant, d.channel, d.request_key, d.reference, d.amount, v_today, d.authorisation, p_posted_at
    from decided d where d.result = 'approved'
    returning 1
  ),
  suspended as (
    insert into suspense_item (shard_id, suspense_id, participant_code, channel, request_key, reference, psid, amount_paisa, reason, business_date, posted_at)
    select p_shard, d.payment_id, d.participant, d.channel, d.request_key, d.reference, d.psid, d.amount, d.reason, v_today, p_posted_at
    from decided d where d.result = 'in-suspense'
    returning 1
  ),
  journalled as (
    insert into journal_entry (shard_id, business_date, journal_id, kind, payment_id, posted_at)
    select p_shard, v_today, d.payment_id, case d.result when 'approved' then 'payment' else 'suspense' end,
      case d.result when 'approved' then d.payment_id end, p_posted_at
    from decided d where d.result in ('approved', 'in-suspense')
    returning 1
  ),
  entered as (
    insert into posting (shard_id, business_date, journal_id, line_no, account_id, side, amount_paisa)
    select p_shard, v_today, n.journal_id, n.line_no, n.account_id, n.side, n.amount_paisa from new_posting n
    returning 1
  ),
  numbered as materialized (
    select l.*, stamp_body_of(sha256(l.seed || '\x00'::bytea || int2send(l.line_no))) as body
    from line l where l.stamp_kind is not null
  ),
  salted as materialized (
    select l.*, lpad(l.body::text, 15, '0') || check_digit_of_15(l.body)::text as stamp_id,
      substring(sha256(l.seed || '\x01'::bytea || int2send(l.line_no)) from 1 for 16) as salt
    from numbered l
  ),
  new_stamp as materialized (
    select s.*,
      sha256('\x01'::bytea || s.facts_root || sha256('\x00'::bytea || s.salt || convert_to(s.stamp_id || s.psid, 'UTF8')
        || v_at_bytes || int8send(s.amount_paisa))) as record_root,
      sha256('\x02'::bytea || s.salt || int8send(s.payment_id) || convert_to(s.participant, 'UTF8') || '\x00'::bytea
        || convert_to(s.request_key, 'UTF8') || '\x00'::bytea || int8send(s.total) || v_today_bytes) as payment_commitment
    from salted s
  ),
  issued as (
    insert into stamp (shard_id, stamp_id, psid, line_no, payment_id, kind, amount_paisa, issued_at, salt, record_root, log_size)
    select p_shard, n.stamp_id, n.psid, n.line_no, n.payment_id, n.stamp_kind, n.amount_paisa, p_posted_at, n.salt, n.record_root, v_log_size
    from new_stamp n
    returning 1
  ),
  queued as (
    -- A challan has at most 99 lines and a payment id has 56 bits, so this is unique and ordered as the payments are.
    insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, payment_commitment, commitment, log_size)
    select p_shard, n.payment_id * 128 + n.line_no, 'issue', n.stamp_id, p_posted_at, n.amount_paisa, n.payment_commitment, n.record_root, v_log_size
    from new_stamp n
    returning 1
  ),
  recorded as (
    insert into request_record (shard_id, participant_code, request_key, kind, psid, amount_paisa, result, payment_id, answered_at)
    select p_shard, d.participant, d.request_key, 'payment', d.psid, d.amount, d.result,
      case when d.result in ('approved', 'in-suspense') then d.payment_id end, p_posted_at
    from decided d where d.result not in ('participant-unavailable', 'busy')
    returning 1
  ),
  -- Pieces of the answers, put together by their ordinal; joining them would compare each with each.
  piece as (
    select d.ordinal, d.result, false as repeated, case when d.result = 'approved' then d.payment_id end as new_payment_id, null::bigint as old_payment_id,
      d.authorisation, null::smallint as line_no, null::text as stamp_id
    from decided d
    union all
    select n.ordinal, null, null, null, null, null, n.line_no, n.stamp_id from new_stamp n
    union all
    select p.ordinal, p.result, true, null, case when p.result = 'approved' then p.payment_id end, null, null, null from prior p
    union all
    -- The same request again within this batch.
    select f.ordinal, case when f.psid <> d.psid or f.amount <> d.amount then 'key-reused' else d.result end, true,
      case when d.result = 'approved' and f.psid = d.psid and f.amount = d.amount then d.payment_id end, null, d.authorisation, null, null
    from fresh f join decided d on d.ordinal = f.first_ordinal
    where f.copy > 1
    union all
    select f.ordinal, null, null, null, null, null, n.line_no, n.stamp_id
    from fresh f join new_stamp n on n.ordinal = f.first_ordinal and n.psid = f.psid and n.total = f.amount
    where f.copy > 1
  ),
  answer as (
    select x.ordinal, max(x.result) as result, bool_or(x.repeated) as repeated, max(x.new_payment_id) as new_payment_id,
      max(x.old_payment_id) as old_payment_id, max(x.authorisation) as authorisation,
      array_agg(x.stamp_id order by x.line_no) filter (where x.stamp_id is not null) as stamp_ids
    from piece x group by x.ordinal
  )
  select a.ordinal, a.result, a.repeated,
    coalesce(a.new_payment_id, a.old_payment_id),
    case when a.new_payment_id is not null then a.authorisation else o.authorisation end,
    case when a.new_payment_id is not null then p_posted_at else o.posted_at end,
    case when a.new_payment_id is not null then v_today else o.business_date end,
    coalesce(a.stamp_ids, case when a.old_payment_id is not null then
      (select array_agg(t.stamp_id order by t.line_no) from stamp t where t.shard_id = p_shard and t.payment_id = a.old_payment_id) end, '{}')
  from answer a
  left join lateral (select q.authorisation, q.posted_at, q.business_date from payment q
    where q.shard_id = p_shard and q.payment_id = a.old_payment_id limit 1) o on true
  where same_count((select count(*) from paid), (select count(*) from decided d where d.result = 'approved'))
  order by a.ordinal;
end $$;

-- Adds to the running totals of the accounts of one journal entry, and to those of its day. Locks in account order.
create function move_balances(p_shard smallint, p_date date, p_journal_id bigint) returns void language plpgsql as $$
begin
  perform 1 from account_balance b
  where b.shard_id = p_shard and b.account_id in (
    select g.account_id from posting g where g.shard_id = p_shard and g.business_date = p_date and g.journal_id = p_journal_id)
  order by b.account_id for no key update;
  with movement as materialized (
    select g.account_id,
      coalesce(sum(g.amount_paisa) filter (where g.side = 'D'), 0)::bigint as debits,
      coalesce(sum(g.amount_paisa) filter (where g.side = 'C'), 0)::bigint as credits, count(*) as postings
    from posting g where g.shard_id = p_shard and g.business_date = p_date and g.journal_id = p_journal_id
    group by g.account_id
  ), moved_today as (
    insert into account_day as y (shard_id, account_id, business_date, debits_paisa, credits_paisa, postings)
    select p_shard, m.account_id, p_date, m.debits, m.credits, m.postings from movement m
    on conflict (shard_id, account_id, business_date) do update
    set debits_paisa = y.debits_paisa + excluded.debits_paisa, credits_paisa = y.credits_paisa + excluded.credits_paisa, postings = y.postings + excluded.postings
  )
  update account_balance b
  set debits_paisa = b.debits_paisa + m.debits, credits_paisa = b.credits_paisa + m.credits, postings = b.postings + m.postings
  from movement m
  where b.shard_id = p_shard and b.account_id = m.account_id;
end $$;

-- Posts the opposite of a journal entry.
create function post_opposite(p_shard smallint, p_at timestamptz, p_journal_id bigint, p_payment_id bigint, p_original_date date, p_original bigint)
returns void language plpgsql as $$
declare
  v_today date := (p_at at time zone 'Asia/Karachi')::date;
begin
  insert into journal_entry (shard_id, business_date, journal_id, kind, payment_id, reverses_journal_id, posted_at)
  values (p_shard, v_today, p_journal_id, 'reversal', p_payment_id, p_original, p_at);
  insert into posting (shard_id, business_date, journal_id, line_no, account_id, side, amount_paisa)
  select p_shard, v_today, p_journal_id, g.line_no, g.account_id, case g.side when 'D' then 'C'::"char" else 'D'::"char" end, g.amount_paisa
  from posting g where g.shard_id = p_shard and g.business_date = p_original_date and g.journal_id = p_original;
  if not found then
    raise exception 'the postings of journal entry % are archived', p_original using errcode = 'SN009';
  end if;
  perform move_balances(p_shard, v_today, p_journal_id);
end $$;

-- Reverses one payment before its stamp is used: reversing entry, stamp cancelled, challan payable again; or gives
-- back what an advice left in suspense. Answers: approved (now or before), original-not-found (and remembered, so
-- that a late payment is refused), reversal-mismatch, stamp-used, blocked (the suspense item was applied), key-reused.
create function reverse_payment(
  p_shard smallint, p_epoch bigint, p_at timestamptz, p_journal_id bigint,
  p_participant text, p_request_key text, p_original_key text, p_psid text, p_amount bigint
) returns table (result text, repeated boolean) language plpgsql as $$
#variable_conflict use_column
declare
  v_log_size bigint;
  v_record request_record;
  v_original request_record;
  v_payment payment;
  v_item suspense_item;
  v_result text;
begin
  perform hold_lane(p_shard, p_epoch);
  select * into v_record from request_record r
  where r.shard_id = p_shard and r.participant_code = p_participant and r.request_key = p_request_key;
  if found then
    if v_record.kind <> 'reversal' or v_record.psid <> p_psid or v_record.amount_paisa <> p_amount or v_record.original_key <> p_original_key then
      return query select 'key-reused', true;
    else
      return query select v_record.result, true;
    end if;
    return;
  end if;

  select * into v_original from request_record r
  where r.shard_id = p_shard and r.participant_code = p_participant and r.request_key = p_original_key;
  if not found then
    v_result := 'original-not-found';
    insert into request_record (shard_id, participant_code, request_key, kind, psid, amount_paisa, result, answered_at)
    values (p_shard, p_participant, p_original_key, 'tombstone', p_psid, p_amount, 'reversed-before', p_at);
  elsif v_original.kind <> 'payment' or v_original.payment_id is null then
    v_result := 'original-not-found';
  elsif v_original.psid <> p_psid or v_original.amount_paisa <> p_amount then
    v_result := 'reversal-mismatch';
  elsif v_original.result = 'in-suspense' then
    select * into strict v_item from suspense_item u
    where u.shard_id = p_shard and u.suspense_id = v_original.payment_id for no key update;
    if v_item.state = 'applied' then
      v_result := 'blocked';
    else
      v_result := 'approved';
      if v_item.state = 'open' then
        update suspense_item u set state = 'returned', settled_at = p_at where u.shard_id = p_shard and u.suspense_id = v_item.suspense_id;
        perform post_opposite(p_shard, p_at, p_journal_id, null, v_item.business_date, v_item.suspense_id);
      end if;
    end if;
  else
    -- The challan first, in the same order as post_payments.
    perform 1 from challan c where c.shard_id = p_shard and c.psid = p_psid for no key update;
    select * into strict v_payment from payment m
    where m.shard_id = p_shard and m.payment_id = v_original.payment_id for no key update;
    perform 1 from stamp t where t.shard_id = p_shard and t.payment_id = v_payment.payment_id order by t.stamp_id for no key update;
    if v_payment.state = 'reversed' then
      v_result := 'approved';
    elsif exists (select 1 from stamp t where t.shard_id = p_shard and t.payment_id = v_payment.payment_id and t.state <> 'issued') then
      v_result := 'stamp-used';
    else
      v_result := 'approved';
      select h.size into strict v_log_size from anchor_head h;
      update payment m set state = 'reversed', reversed_at = p_at where m.shard_id = p_shard and m.payment_id = v_payment.payment_id;
      update challan c set state = 'payable', payment_id = null, paid_at = null where c.shard_id = p_shard and c.psid = p_psid;
      perform post_opposite(p_shard, p_at, p_journal_id, v_payment.payment_id, v_payment.business_date, v_payment.payment_id);
      insert into stamp_event (shard_id, event_id, stamp_id, kind, at, actor, reason, commitment)
      select p_shard, p_journal_id * 128 + t.line_no, t.stamp_id, 'cancel', p_at, 'participant:' || p_participant, 'payment reversed',
        event_commitment(t.salt, t.stamp_id, 'cancel', p_at, 'payment reversed')
      from stamp t where t.shard_id = p_shard and t.payment_id = v_payment.payment_id;
      insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, commitment, log_size)
      select e.shard_id, e.event_id, 'cancel', e.stamp_id, e.at, t.amount_paisa, e.commitment, v_log_size
      from stamp t join stamp_event e on e.shard_id = t.shard_id and e.stamp_id = t.stamp_id
      where t.shard_id = p_shard and t.payment_id = v_payment.payment_id;
      update stamp t set state = 'cancelled', state_changed_at = p_at where t.shard_id = p_shard and t.payment_id = v_payment.payment_id;
    end if;
  end if;
  insert into request_record (shard_id, participant_code, request_key, kind, psid, amount_paisa, original_key, result, payment_id, answered_at)
  values (p_shard, p_participant, p_request_key, 'reversal', p_psid, p_amount, p_original_key, v_result, null, p_at);
  return query select v_result, false;
end $$;

-- ------------------------------------------------------------------ funding and holds

-- Posts one entry that is no payment (prefunding, a float's top-up, settlement, an adjustment), once for each
-- request key of its owner. Answers: approved, key-reused, account-unknown (nothing was done). A guarded account
-- that would pay out more than it holds breaks balance_guarded, and the whole entry with it.
create function post_entry(
  p_shard smallint, p_at timestamptz, p_journal_id bigint, p_owner text, p_request_key text, p_kind text, p_description text,
  p_paths text[], p_sides text[], p_amounts bigint[]
) returns table (result text, repeated boolean) language plpgsql as $$
#variable_conflict use_column
declare
  v_today date := (p_at at time zone 'Asia/Karachi')::date;
  v_total bigint := (select sum(a) from unnest(p_amounts, p_sides) as x(a, side) where side = 'D');
  v_record request_record;
begin
  if exists (select 1 from unnest(p_paths) as x(path) where not exists (
      select 1 from account a where a.shard_id = p_shard and a.path = x.path)) then
    return query select 'account-unknown', false;
    return;
  end if;
  -- The record first: of two callers with one key, the second waits here and then finds the first's answer.
  insert into request_record (shard_id, participant_code, request_key, kind, psid, amount_paisa, original_key, result, payment_id, answered_at)
  values (p_shard, p_owner, p_request_key, 'entry', '', v_total, p_description, 'approved', p_journal_id, p_at)
  on conflict (shard_id, participant_code, request_key) do nothing;
  if not found then
    select * into strict v_record from request_record r
    where r.shard_id = p_shard and r.participant_code = p_owner and r.request_key = p_request_key;
    return query select case when v_record.kind = 'entry' and v_record.amount_paisa = v_total and v_record.original_key = p_description
      then v_record.result else 'key-reused' end, true;
    return;
  end if;
  insert into journal_entry (shard_id, business_date, journal_id, kind, posted_at, description)
  values (p_shard, v_today, p_journal_id, p_kind, p_at, p_description);
  insert into posting (shard_id, business_date, journal_id, line_no, account_id, side, amount_paisa)
  select p_shard, v_today, p_journal_id, x.line_no, a.account_id, x.side::"char", x.amount
  from unnest(p_paths, p_sides, p_amounts) with ordinality as x(path, side, amount, line_no)
  join account a on a.shard_id = p_shard and a.path = x.path;
  perform move_balances(p_shard, v_today, p_journal_id);
  return query select 'approved', false;
end $$;

-- Reserves an amount on an account until it is posted, voided or expires. On a guarded account no more than its
-- free balance; on a participant's settlement account no more than its net debit cap leaves. One hold for each
-- request key of its owner. Answers: reserved, insufficient-funds, account-unknown, key-reused; a refusal is not recorded.
create function reserve_hold(
  p_shard smallint, p_at timestamptz, p_hold_id bigint, p_owner text, p_request_key text, p_path text, p_amount bigint, p_purpose text, p_expires_at timestamptz
) returns table (result text, repeated boolean, hold_id bigint) language plpgsql as $$
#variable_conflict use_column
declare
  v_account account;
  v_balance account_balance;
  v_record request_record;
  v_free bigint;
begin
  select * into v_account from account a where a.shard_id = p_shard and a.path = p_path;
  if not found then
    return query select 'account-unknown', false, null::bigint;
    return;
  end if;
  -- The balance's lock makes reservations on one account follow each other.
  select * into strict v_balance from account_balance b where b.shard_id = p_shard and b.account_id = v_account.account_id for no key update;
  select * into v_record from request_record r
  where r.shard_id = p_shard and r.participant_code = p_owner and r.request_key = p_request_key;
  if found then
    if v_record.kind = 'hold' and v_record.amount_paisa = p_amount and v_record.original_key = p_path then
      return query select v_record.result, true, v_record.payment_id;
    else
      return query select 'key-reused', true, null::bigint;
    end if;
    return;
  end if;
  if v_balance.guarded then
    v_free := v_balance.credits_paisa - v_balance.debits_paisa - v_balance.held_paisa;
  elsif v_account.kind = 'asset' and v_account.participant_code is not null then
    select p.net_debit_cap_paisa - (v_balance.debits_paisa - v_balance.credits_paisa + v_balance.held_paisa)
      + coalesce((select fb.credits_paisa - fb.debits_paisa from account fa join account_balance fb using (shard_id, account_id)
          where fa.shard_id = p_shard and fa.path = 'participant:' || p.code || ':prefunding'), 0)
    into v_free from participant p where p.code = v_account.participant_code;
  end if;
  if v_free < p_amount then
    return query select 'insufficient-funds', false, null::bigint;
    return;
  end if;
  insert into hold (shard_id, hold_id, account_id, amount_paisa, purpose, reserved_at, expires_at)
  values (p_shard, p_hold_id, v_account.account_id, p_amount, p_purpose, p_at, p_expires_at);
  update account_balance b set held_paisa = b.held_paisa + p_amount where b.shard_id = p_shard and b.account_id = v_account.account_id;
  insert into request_record (shard_id, participant_code, request_key, kind, psid, amount_paisa, original_key, result, payment_id, answered_at)
  values (p_shard, p_owner, p_request_key, 'hold', '', p_amount, p_path, 'reserved', p_hold_id, p_at);
  return query select 'reserved', false, p_hold_id;
end $$;

-- Frees a hold. Answers the state it has afterwards (voided, or posted or expired when it was settled before); null: no such hold.
create function void_hold(p_shard smallint, p_at timestamptz, p_hold_id bigint) returns text language plpgsql as $$
declare
  v_hold hold;
begin
  select * into v_hold from hold h where h.shard_id = p_shard and h.hold_id = p_hold_id for no key update;
  if not found or v_hold.state <> 'reserved' then
    return v_hold.state;
  end if;
  update hold h set state = 'voided', settled_at = p_at where h.shard_id = p_shard and h.hold_id = p_hold_id;
  update account_balance b set held_paisa = b.held_paisa - v_hold.amount_paisa where b.shard_id = p_shard and b.account_id = v_hold.account_id;
  return 'voided';
end $$;

-- Frees the holds whose time has passed, at most p_max of them; answers how many. A hold that a payment is using now is left alone.
create function expire_holds(p_shard smallint, p_at timestamptz, p_max integer) returns integer language plpgsql as $$
declare
  v_ids bigint[];
begin
  select array_agg(x.hold_id) into v_ids from (
    select h.hold_id from hold h where h.shard_id = p_shard and h.state = 'reserved' and h.expires_at <= p_at
    order by h.hold_id limit p_max for no key update skip locked) x;
  if v_ids is null then
    return 0;
  end if;
  perform 1 from account_balance b where b.shard_id = p_shard and b.account_id in (
    select h.account_id from hold h where h.shard_id = p_shard and h.hold_id = any (v_ids)) order by b.account_id for no key update;
  update account_balance b set held_paisa = b.held_paisa - x.amount
  from (select h.account_id, sum(h.amount_paisa)::bigint as amount from hold h where h.shard_id = p_shard and h.hold_id = any (v_ids) group by 1) x
  where b.shard_id = p_shard and b.account_id = x.account_id;
  update hold h set state = 'expired', settled_at = p_at where h.shard_id = p_shard and h.hold_id = any (v_ids);
  return cardinality(v_ids);
end $$;
