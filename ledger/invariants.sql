-- Every invariant of the books and registers (TRUST.md part C). Each query selects the rows that break it: none
-- when it holds. `-- name:` begins a query; the line after it says what must hold. Run by `sanad audit` and by tests.

-- name: journal-balances
-- Every journal entry sums to zero (I1).
select p.shard_id, p.business_date, p.journal_id::text as journal_id
from posting p group by 1, 2, 3
having sum(case p.side when 'D' then p.amount_paisa else -p.amount_paisa end) <> 0;

-- name: journal-whole
-- Every posting belongs to a journal entry, and every journal entry has at least two postings.
select e.shard_id, e.journal_id::text as journal_id
from journal_entry e left join posting p using (shard_id, business_date, journal_id)
group by 1, 2 having count(p.line_no) < 2
union all
select p.shard_id, p.journal_id::text from posting p
left join journal_entry e using (shard_id, business_date, journal_id) where e.journal_id is null;

-- name: balances-equal-postings
-- Every running balance equals the sum of its account's postings (I2).
select b.shard_id, a.path
from account_balance b
join account a using (shard_id, account_id)
left join (
  select shard_id, account_id,
    coalesce(sum(amount_paisa) filter (where side = 'D'), 0) as debits,
    coalesce(sum(amount_paisa) filter (where side = 'C'), 0) as credits, count(*) as postings
  from posting group by 1, 2
) s using (shard_id, account_id)
where (b.debits_paisa, b.credits_paisa, b.postings) is distinct from (coalesce(s.debits, 0), coalesce(s.credits, 0), coalesce(s.postings, 0));

-- name: accounts-known
-- Every posting is to an account of the chart.
select distinct p.shard_id, p.account_id::text as account_id
from posting p left join account a using (shard_id, account_id) where a.account_id is null;

-- name: payment-posted
-- Every payment has its journal entry of the same amount, and its reversal when it was reversed (I4, I9).
select m.shard_id, m.payment_id::text as payment_id
from payment m
left join journal_entry e on e.shard_id = m.shard_id and e.business_date = m.business_date and e.journal_id = m.payment_id and e.kind = 'payment'
left join posting p on p.shard_id = m.shard_id and p.business_date = m.business_date and p.journal_id = m.payment_id and p.side = 'D'
group by m.shard_id, m.payment_id, m.amount_paisa, e.journal_id
having e.journal_id is null or sum(p.amount_paisa) is distinct from m.amount_paisa
union all
select m.shard_id, m.payment_id::text
from payment m
left join journal_entry r on r.shard_id = m.shard_id and r.reverses_journal_id = m.payment_id and r.kind = 'reversal'
group by m.shard_id, m.payment_id, m.state
having count(r.journal_id) <> case m.state when 'reversed' then 1 else 0 end;

-- name: journal-has-payment
-- Every journal entry is the posting or the reversal of a payment.
select e.shard_id, e.journal_id::text as journal_id
from journal_entry e left join payment m using (shard_id, payment_id) where m.payment_id is null;

-- name: challan-state
-- A challan is paid exactly when one unreversed payment of its amount exists.
select c.shard_id, c.psid
from challan c left join payment m on m.shard_id = c.shard_id and m.psid = c.psid and m.state = 'posted'
group by c.shard_id, c.psid, c.state, c.amount_paisa, c.payment_id
having count(m.payment_id) <> case c.state when 'paid' then 1 else 0 end
  or (c.state = 'paid' and (min(m.amount_paisa) <> c.amount_paisa or min(m.payment_id) <> c.payment_id));

-- name: challan-lines
-- The lines of a challan sum to its amount.
select c.shard_id, c.psid
from challan c left join challan_line l using (shard_id, psid)
group by c.shard_id, c.psid, c.amount_paisa having coalesce(sum(l.amount_paisa), 0) <> c.amount_paisa;

-- name: stamp-for-payment
-- A posted payment has one living stamp for every stamp-bearing line of its challan; a reversed one has none (I6).
select m.shard_id, m.payment_id::text as payment_id
from payment m
join challan_line l on l.shard_id = m.shard_id and l.psid = m.psid and l.stamp_kind is not null
left join stamp s on s.shard_id = m.shard_id and s.payment_id = m.payment_id and s.line_no = l.line_no and s.state <> 'cancelled'
group by m.shard_id, m.payment_id, m.state, l.line_no
having count(s.stamp_id) <> case m.state when 'posted' then 1 else 0 end;

-- name: stamp-paid
-- No stamp without its payment, and its amount is that of its challan line (I6).
select s.shard_id, s.stamp_id
from stamp s
left join payment m using (shard_id, payment_id)
left join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
where m.payment_id is null or l.psid is null or m.psid <> s.psid or l.amount_paisa <> s.amount_paisa
  or l.stamp_kind <> s.kind or s.issued_at <> m.posted_at;

-- name: stamp-committed
-- A stamp's record root is that of its own facts (docs/spec/leaf.md).
select s.shard_id, s.stamp_id
from stamp s join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
where s.record_root <> sha256('\x01'::bytea || l.facts_root || sha256('\x00'::bytea || s.salt || convert_to(s.stamp_id || s.psid, 'UTF8')
  || epoch_ms(s.issued_at) || int8send(s.amount_paisa)));

-- name: stamp-state-recorded
-- A stamp's state is what its events say.
select s.shard_id, s.stamp_id
from stamp s left join stamp_event e using (shard_id, stamp_id)
group by s.shard_id, s.stamp_id, s.state
having s.state <> coalesce((array_agg(case e.kind when 'cancel' then 'cancelled' when 'lock' then 'delisted' when 'spoil' then 'spoiled' when 'refund' then 'refunded' end
  order by e.event_id desc))[1], 'issued');

-- name: outbox-complete
-- Every stamp and every event of its life is in the outbox or in the log, and in one of them only (I14).
select s.shard_id, s.stamp_id
from stamp s
left join outbox o on o.shard_id = s.shard_id and o.stamp_id = s.stamp_id and o.kind = 'issue'
left join log_leaf g on g.shard_id = s.shard_id and g.stamp_id = s.stamp_id and g.kind = 'issue'
group by s.shard_id, s.stamp_id having count(distinct o.outbox_id) + count(distinct g.leaf_index) <> 1
union all
select e.shard_id, e.stamp_id
from stamp_event e
left join outbox o on o.shard_id = e.shard_id and o.stamp_id = e.stamp_id and o.kind = e.kind
left join log_leaf g on g.shard_id = e.shard_id and g.stamp_id = e.stamp_id and g.kind = e.kind
group by e.shard_id, e.event_id, e.stamp_id having count(distinct o.outbox_id) + count(distinct g.leaf_index) <> 1;

-- name: leaf-has-stamp
-- Every leaf of a stamp or event in the log has its row in the register, with the same commitment and amount (I14).
select g.shard_id, g.stamp_id
from log_leaf g
left join stamp s on s.shard_id = g.shard_id and s.stamp_id = g.stamp_id
where g.kind = 'issue'
  and (s.stamp_id is null or substring(g.entry from 27 for 32) <> s.record_root or substring(g.entry from 11 for 8) <> int8send(s.amount_paisa)
    or substring(g.entry from 3 for 8) <> epoch_ms(s.issued_at))
union all
select g.shard_id, g.stamp_id
from log_leaf g
left join stamp_event e on e.shard_id = g.shard_id and e.stamp_id = g.stamp_id and e.kind = g.kind
where g.kind in ('cancel', 'lock', 'refund', 'spoil')
  and (e.stamp_id is null or substring(g.entry from 27 for 32) <> e.commitment);

-- name: answers-true
-- Every approved request has its payment, and every payment was answered under its request key (I3, I5).
select r.shard_id, r.request_key
from request_record r left join payment m using (shard_id, payment_id)
where r.kind = 'payment' and r.result = 'approved' and (m.payment_id is null or m.psid <> r.psid or m.amount_paisa <> r.amount_paisa)
union all
select m.shard_id, m.request_key
from payment m left join request_record r on r.shard_id = m.shard_id and r.participant_code = m.participant_code and r.request_key = m.request_key
where r.payment_id is distinct from m.payment_id or r.result <> 'approved';
