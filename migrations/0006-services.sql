-- Payments to departments (B2G, P2G): departments and their PSID prefixes, the service catalogue, external billers,
-- events and signed webhooks, confirmations, disputes and the cases that are handed to people.
--
-- Catalogue, departments, keys and endpoints are small reference tables; what belongs to a PSID lies in its shard. Nothing
-- here is written by post_payments: a follower reads the journal by a cursor and writes what follows from it
-- (reconciliation/feed/README.md), so that a payment costs what it cost before.

alter table challan drop constraint challan_kind_check,
  add constraint challan_kind_check check (kind in ('e-stamp', 'service', 'external')),
  -- A biller's bill is of no district.
  alter column district_code drop not null,
  add constraint challan_district_known check (district_code is not null or kind = 'external');
comment on column challan.kind is 'e-stamp; service: made for a department by the catalogue; external: a bill that its biller told us of';

alter table reference_file drop constraint reference_file_kind_check,
  add constraint reference_file_kind_check check (kind in ('divisions', 'districts', 'tehsils', 'heads-of-account', 'departments'));

-- Reversed payments and unmatched money of one PSID, for those who ask. Both are rare, so the hot path never writes them.
create index payment_reversed_by_psid on payment (shard_id, psid) where state = 'reversed';
create index suspense_item_by_psid on suspense_item (shard_id, psid);

-- ------------------------------------------------------------------ departments and the catalogue

create table department (
  code    text primary key check (code ~ '^[A-Z0-9]{2,12}$'),
  name    text not null,
  prefix  text not null unique check (prefix ~ '^[1-9][0-9]{2}$'),
  kind    text not null check (kind in ('stamps', 'services', 'external')),
  head_code text references head_of_account (code),
  source  text not null,
  assumed boolean not null,
  check ((kind = 'external') = (head_code is not null))
);
comment on table department is 'Who is paid, by the first three digits of the PSID; an external biller is asked by HTTP before it is paid';

create table service_version (
  version     integer primary key check (version > 0),
  file_name   text not null,
  sha256      text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  row_count   integer not null check (row_count > 0),
  imported_at timestamptz not null
);
comment on table service_version is 'One file of the service catalogue; the highest version is in use';

create table service_row (
  version         integer not null references service_version (version),
  line            integer not null check (line > 1),
  service_code    text not null check (service_code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(service_code) <= 60),
  title           text not null,
  department_code text not null references department (code),
  head_code       text not null references head_of_account (code),
  basis           text not null check (basis in ('fixed', 'given')),
  amount_paisa    bigint check (amount_paisa > 0),
  minimum_paisa   bigint check (minimum_paisa > 0),
  maximum_paisa   bigint check (maximum_paisa >= minimum_paisa),
  payable_days    smallint not null check (payable_days between 1 and 365),
  fulfilment      text not null check (fulfilment in ('receipt', 'stamp', 'webhook')),
  stamp_kind      text check (stamp_kind in ('non-judicial', 'judicial', 'low-denomination')),
  article         text,
  active          boolean not null,
  effective_from  date not null,
  effective_to    date check (effective_to >= effective_from),
  source          text not null,
  assumed         boolean not null,
  primary key (version, service_code, effective_from),
  unique (version, line),
  check ((basis = 'fixed') = (amount_paisa is not null)),
  check (num_nulls(minimum_paisa, maximum_paisa) = case basis when 'given' then 0 else 2 end),
  check (num_nulls(stamp_kind, article) = case fulfilment when 'stamp' then 0 else 2 end)
);
comment on column service_row.basis is 'fixed: amount_paisa; given: the department says the amount, within minimum and maximum';

-- A department's programs prove themselves by a random token of 256 bits, of which only the hash is kept.
create table department_key (
  key_id            text primary key check (key_id ~ '^[0-9a-f]{16}$'),
  department_code   text not null references department (code),
  token_hash        bytea not null unique check (length(token_hash) = 32),
  allowed_addresses text[] not null check (cardinality(allowed_addresses) > 0),
  valid_from        timestamptz not null,
  valid_until       timestamptz check (valid_until >= valid_from),
  created_at        timestamptz not null
);

-- What a challan for a service adds to its challan; the amounts and lines are the challan's own.
create table service_challan (
  shard_id        smallint not null,
  psid            text not null check (psid ~ '^[0-9]{17}$'),
  department_code text not null references department (code),
  service_code    text not null,
  service_version integer not null references service_version (version),
  -- The department's own name for the matter: a vehicle's number, a file, a ticket.
  reference       text not null check (length(reference) between 1 and 60),
  fulfilment      text not null check (fulfilment in ('receipt', 'stamp', 'webhook')),
  created_at      timestamptz not null,
  primary key (shard_id, psid),
  check (substr(psid, 4, 2)::smallint = shard_id)
);
create index service_challan_by_reference on service_challan (shard_id, department_code, reference);

-- ------------------------------------------------------------------ external billers

create table biller_connection (
  department_code  text primary key references department (code),
  base_url         text not null check (length(base_url) <= 300),
  -- Sealed under the key of the switch (v1.<key>.<nonce>.<ciphertext>).
  secret_sealed    text not null,
  timeout_ms       integer not null check (timeout_ms between 100 and 60000),
  in_flight_max    smallint not null check (in_flight_max between 1 and 500),
  active           boolean not null default true,
  changed_at       timestamptz not null
);

-- A payment of an external bill, from before the biller is asked until both sides say the same.
create table biller_payment (
  shard_id         smallint not null,
  biller_payment_id bigint not null,
  department_code  text not null references department (code),
  participant_code text not null,
  channel          text not null,
  request_key      text not null check (length(request_key) between 1 and 120),
  psid             text not null,
  amount_paisa     bigint not null check (amount_paisa > 0),
  reference        text not null check (length(reference) <= 40),
  advice           boolean not null,
  state            text not null check (state in ('asking', 'accepted', 'posting', 'settled', 'refused', 'advising', 'cancelling', 'cancelled', 'stuck')),
  -- The answer that the participant was given, once it is final.
  result           text,
  biller_reference text check (length(biller_reference) <= 60),
  -- The participant's reversal that waits for the biller's word.
  reversal_key     text check (length(reversal_key) between 1 and 120),
  attempts         integer not null default 0 check (attempts >= 0),
  next_at          timestamptz,
  last_error       text check (length(last_error) <= 200),
  created_at       timestamptz not null,
  changed_at       timestamptz not null,
  primary key (shard_id, participant_code, request_key),
  unique (shard_id, biller_payment_id),
  check (substr(psid, 4, 2)::smallint = shard_id),
  check ((state in ('settled', 'refused', 'cancelled', 'stuck')) = (next_at is null))
);
create index biller_payment_due on biller_payment (shard_id, next_at) where next_at is not null;

create function check_biller_payment_move() returns trigger language plpgsql as $$
begin
  if (old.shard_id, old.biller_payment_id, old.participant_code, old.request_key, old.psid, old.amount_paisa)
     is distinct from (new.shard_id, new.biller_payment_id, new.participant_code, new.request_key, new.psid, new.amount_paisa)
     or (old.state <> new.state and (old.state, new.state) not in (
       ('asking', 'accepted'), ('asking', 'refused'), ('asking', 'cancelling'),
       ('accepted', 'posting'), ('accepted', 'cancelling'),
       ('posting', 'accepted'), ('posting', 'settled'), ('posting', 'advising'), ('posting', 'cancelling'), ('posting', 'refused'),
       ('advising', 'settled'), ('advising', 'stuck'), ('advising', 'cancelling'),
       ('settled', 'cancelling'), ('cancelling', 'cancelled'), ('cancelling', 'stuck'), ('cancelling', 'settled'))) then
    raise exception 'biller payment % cannot move from % to %', old.biller_payment_id, old.state, new.state using errcode = 'SN010';
  end if;
  return new;
end $$;
create trigger biller_payment_moves before update on biller_payment for each row execute function check_biller_payment_move();
create trigger biller_payment_stays before delete on biller_payment for each row execute function refuse_change();

-- ------------------------------------------------------------------ what follows from the journal

create table feed_cursor (
  shard_id      smallint not null,
  follower      text not null check (follower ~ '^[a-z]+(-[a-z]+)*$'),
  business_date date not null,
  journal_id    bigint not null,
  -- The second look reads everything again some minutes later, for what committed out of order.
  second_date   date not null,
  second_id     bigint not null,
  moved_at      timestamptz not null,
  primary key (shard_id, follower)
);

create table department_event (
  shard_id        smallint not null,
  event_id        bigint not null,
  department_code text not null references department (code),
  kind            text not null check (kind in ('payment.posted', 'payment.reversed')),
  psid            text not null,
  -- Counts the events of a PSID: the highest says how things are.
  version         integer not null check (version > 0),
  -- The journal entry that it tells of.
  journal_id      bigint not null,
  body            text not null,
  created_at      timestamptz not null,
  primary key (shard_id, event_id),
  unique (shard_id, journal_id),
  unique (shard_id, psid, version)
);
create trigger department_event_append_only before update or delete on department_event for each row execute function refuse_change();

create table webhook_endpoint (
  endpoint_id      bigint primary key,
  department_code  text not null references department (code),
  url              text not null check (length(url) <= 2000),
  secret_sealed    text not null,
  -- Signs beside the present one until the department has changed over.
  previous_sealed  text,
  previous_until   timestamptz,
  active           boolean not null default true,
  created_at       timestamptz not null,
  changed_at       timestamptz not null,
  check ((previous_sealed is null) = (previous_until is null))
);

create table webhook_delivery (
  shard_id    smallint not null,
  event_id    bigint not null,
  endpoint_id bigint not null references webhook_endpoint (endpoint_id),
  state       text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
  attempts    integer not null default 0 check (attempts >= 0),
  resends     integer not null default 0 check (resends >= 0),
  next_at     timestamptz,
  last_status smallint,
  last_error  text check (length(last_error) <= 200),
  settled_at  timestamptz,
  primary key (shard_id, event_id, endpoint_id),
  foreign key (shard_id, event_id) references department_event (shard_id, event_id),
  check ((state = 'pending') = (next_at is not null)),
  check ((state = 'pending') = (settled_at is null))
);
create index webhook_delivery_due on webhook_delivery (shard_id, endpoint_id, next_at) where state = 'pending';
create index webhook_delivery_dead on webhook_delivery (shard_id, endpoint_id, event_id) where state = 'dead';

create table confirmation (
  shard_id    smallint not null,
  message_id  bigint not null,
  psid        text not null,
  journal_id  bigint not null,
  means       text not null check (means in ('sms', 'email')),
  recipient   text not null check (length(recipient) between 3 and 254),
  subject     text not null check (length(subject) <= 200),
  body        text not null check (length(body) <= 2000),
  state       text not null default 'pending' check (state in ('pending', 'sent', 'dead')),
  attempts    integer not null default 0 check (attempts >= 0),
  next_at     timestamptz,
  last_error  text check (length(last_error) <= 200),
  created_at  timestamptz not null,
  settled_at  timestamptz,
  primary key (shard_id, message_id),
  unique (shard_id, journal_id, means),
  check ((state = 'pending') = (next_at is not null)),
  check ((state = 'pending') = (settled_at is null))
);
create index confirmation_due on confirmation (shard_id, means, next_at) where state = 'pending';

-- ------------------------------------------------------------------ disputes and cases

create table dispute (
  shard_id         smallint not null,
  dispute_id       bigint not null,
  kind             text not null check (kind in ('paid-not-issued', 'debited-twice', 'wrong-psid-paid')),
  opener           text not null check (opener in ('payer', 'participant', 'teller')),
  psid             text not null check (psid ~ '^[0-9]{17}$'),
  -- The PSID that was paid by mistake; only with wrong-psid-paid.
  paid_psid        text check (paid_psid ~ '^[0-9]{17}$'),
  participant_code text references participant (code),
  -- The bank's reference (RRN, tran_auth_id), and that of the second debit.
  reference        text check (length(reference) between 1 and 40),
  second_reference text check (length(second_reference) between 1 and 40),
  amount_paisa     bigint check (amount_paisa > 0),
  paid_on          date,
  contact          text check (length(contact) <= 100),
  idempotency_hash bytea not null check (length(idempotency_hash) = 32),
  content_hash     bytea not null check (length(content_hash) = 32),
  -- Source of the token with which the opener looks at it.
  secret           bytea not null check (length(secret) = 32),
  state            text not null check (state in ('open', 'closed', 'handed-over')),
  answer           text check (length(answer) <= 40),
  explanation      jsonb,
  opened_at        timestamptz not null,
  -- By when the opener must have a final answer.
  due_at           timestamptz not null check (due_at > opened_at),
  -- When it is looked at again by itself: an advice may still be on its way.
  look_again_at    timestamptz,
  closed_at        timestamptz,
  primary key (shard_id, dispute_id),
  unique (shard_id, idempotency_hash),
  check (substr(psid, 4, 2)::smallint = shard_id),
  check ((kind = 'wrong-psid-paid') >= (paid_psid is not null)),
  check ((state = 'closed') = (closed_at is not null)),
  check (state = 'open' or answer is not null),
  check ((state = 'open') = (look_again_at is not null))
);
create index dispute_again on dispute (shard_id, look_again_at) where state = 'open';
create index dispute_overdue on dispute (shard_id, due_at) where state <> 'closed';
create index dispute_by_participant on dispute (shard_id, participant_code, dispute_id);

-- What people must decide: the queue that the desk of exceptions works through.
create table exception_case (
  shard_id     smallint not null,
  case_id      bigint not null,
  origin       text not null check (origin in ('dispute', 'biller-payment')),
  origin_id    bigint not null,
  reason       text not null check (length(reason) between 1 and 40),
  psid         text not null,
  amount_paisa bigint check (amount_paisa > 0),
  facts        jsonb not null,
  state        text not null default 'open' check (state in ('open', 'decided')),
  opened_at    timestamptz not null,
  due_at       timestamptz not null,
  decided_at   timestamptz,
  decision     text check (length(decision) between 1 and 200),
  primary key (shard_id, case_id),
  unique (shard_id, origin, origin_id),
  check ((state = 'decided') = (decided_at is not null)),
  check ((state = 'decided') = (decision is not null))
);
create index exception_case_open on exception_case (shard_id, due_at) where state = 'open';
create trigger exception_case_stays before delete on exception_case for each row execute function refuse_change();
create trigger dispute_stays before delete on dispute for each row execute function refuse_change();
