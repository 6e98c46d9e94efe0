-- Duty: more ways of reckoning, remissions, changes of Schedule I by officers, and the valuation tables with
-- khasras, corner and main-road plots, approval by a second officer, and boundaries for the map.
--
-- Rules (docs/adr/0002-schema.md): small reference tables with natural keys, no sequences, nothing updated in
-- place but the decision on a proposal. `*_by` is the officer's name in the staff register; that the one who
-- decides is not the one who proposed is held here too, not only in the program.

-- ------------------------------------------------------------------ Schedule I: more bases

-- The checks that name the basis are replaced by wider ones below.
do $$
declare
  old record;
begin
  for old in
    select conrelid::regclass as of_table, conname from pg_constraint
    where conrelid in ('schedule_row'::regclass, 'levy_row'::regclass) and contype = 'c'
      and pg_get_constraintdef(oid) ~ '\mbasis\M'
  loop
    execute format('alter table %s drop constraint %I', old.of_table, old.conname);
  end loop;
end
$$;

alter table schedule_version
  add column origin text not null default 'bundled' check (origin in ('bundled', 'officer'));
comment on column schedule_version.origin is 'A file that came with the program never supersedes a version that officers approved';

alter table schedule_row
  add column slab_paisa bigint check (slab_paisa > 0),
  add constraint schedule_row_basis check (basis in ('fixed', 'per-head',
    'percent-of-consideration', 'percent-of-property', 'percent-of-table',
    'slab-of-consideration', 'slab-of-property', 'slab-of-table',
    'excess-of-consideration', 'excess-of-property', 'excess-of-table')),
  add constraint schedule_row_amount check ((amount_paisa is null) = (basis like 'percent-%')),
  add constraint schedule_row_rate check ((rate_percent is not null) = (basis like 'percent-%' or basis like 'excess-%')),
  add constraint schedule_row_slab check ((slab_paisa is not null) = (basis like 'slab-%')),
  add constraint schedule_row_limits check (basis <> 'fixed' or num_nonnulls(minimum_paisa, maximum_paisa) = 0);
comment on column schedule_row.basis is
  'per-head: amount for each person, page or copy; percent; slab: amount for every slab of the value or part of it; excess: amount and rate per cent of what exceeds value_above. Of the table''s value or the declared one, the higher (property, s. 27-A), of the declared amount (consideration), or of the table''s value alone (table)';

alter table levy_row
  add column title_urdu text not null default '',
  add column minimum_paisa bigint check (minimum_paisa > 0),
  add column maximum_paisa bigint,
  add column slab_paisa bigint check (slab_paisa > 0),
  add constraint levy_row_basis check (basis in ('fixed', 'per-head', 'percent-of-value', 'slab-of-value', 'excess-of-value')),
  add constraint levy_row_maximum check (maximum_paisa >= coalesce(minimum_paisa, 1)),
  add constraint levy_row_amount check ((amount_paisa is null) = (basis like 'percent-%')),
  add constraint levy_row_rate check ((rate_percent is not null) = (basis like 'percent-%' or basis like 'excess-%')),
  add constraint levy_row_slab check ((slab_paisa is not null) = (basis like 'slab-%')),
  add constraint levy_row_limits check (basis <> 'fixed' or num_nonnulls(minimum_paisa, maximum_paisa) = 0);

-- ------------------------------------------------------------------ remissions and exemptions

create table remission_version (
  version     integer primary key check (version > 0),
  file_name   text not null,
  sha256      text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  row_count   integer not null check (row_count > 0),
  imported_at timestamptz not null
);

create table remission_row (
  version           integer not null references remission_version (version),
  line              integer not null check (line > 1),
  remission_code    text not null check (remission_code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(remission_code) <= 60),
  title             text not null,
  title_urdu        text not null,
  of_line           text not null check (of_line ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(of_line) <= 60),
  instrument_codes  text[] not null check (cardinality(instrument_codes) > 0),
  setting           text not null check (setting in ('any', 'urban', 'rural')),
  value_above_paisa bigint not null check (value_above_paisa >= 0),
  value_up_to_paisa bigint check (value_up_to_paisa > value_above_paisa),
  relief            text not null check (relief in ('exempt', 'percent-off', 'amount-off', 'reduced-rate')),
  rate_percent      numeric(9, 6) check (rate_percent > 0 and rate_percent <= 100),
  amount_paisa      bigint check (amount_paisa > 0),
  evidence          text not null,
  active            boolean not null,
  effective_from    date not null,
  effective_to      date check (effective_to >= effective_from),
  source            text not null,
  assumed           boolean not null,
  primary key (version, line),
  check ((rate_percent is not null) = (relief in ('percent-off', 'reduced-rate'))),
  check ((amount_paisa is not null) = (relief = 'amount-off'))
);
comment on table remission_row is 'What Government has reduced or remitted (Stamp Act 1899, ss. 9 and 9-A), granted on a claim with evidence';
comment on column remission_row.of_line is 'stamp-duty, or the code of a levy';

-- ------------------------------------------------------------------ changes of Schedule I by officers

create table schedule_change (
  change_id         text primary key check (change_id ~ '^[0-9a-f]{32}$'),
  state             text not null default 'proposed' check (state in ('proposed', 'approved', 'refused')),
  base_version      integer not null references schedule_version (version),
  effective_from    date not null,
  -- The new rows as cells of schedule-i.csv; their `from` is effective_from.
  cells             jsonb not null check (jsonb_typeof(cells) = 'array' and jsonb_array_length(cells) > 0),
  reason            text not null check (reason <> ''),
  proposed_by       text not null check (proposed_by <> ''),
  proposed_at       timestamptz not null,
  decided_by        text check (decided_by <> proposed_by),
  decided_at        timestamptz check (decided_at >= proposed_at),
  decision_note     text,
  resulting_version integer unique references schedule_version (version),
  check ((state = 'proposed') = (decided_by is null)),
  check ((decided_by is null) = (decided_at is null)),
  check ((state = 'approved') = (resulting_version is not null))
);
comment on table schedule_change is 'One officer proposes, another approves; approval makes a new version of the Schedule. Old challans keep the version they name';

-- ------------------------------------------------------------------ valuation tables

alter table dc_table
  add column state text not null default 'approved' check (state in ('proposed', 'approved', 'refused')),
  add column proposed_by text check (proposed_by <> ''),
  add column decided_by text check (decided_by <> proposed_by),
  add column decided_at timestamptz,
  add column decision_note text,
  add column refused_rows integer not null default 0 check (refused_rows >= 0),
  add constraint dc_table_proposed check ((origin = 'collector') = (proposed_by is not null)),
  add constraint dc_table_decided check (
    case when origin = 'bundled' then state = 'approved' and num_nonnulls(decided_by, decided_at) = 0
         else (state = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null) end);
alter table dc_table alter column state drop default;
comment on table dc_table is
  'On a date the highest approved version that covers it is in force: a correction covers the whole year, a revision the rest of it';
comment on column dc_table.refused_rows is 'Rows of the file that were left out because the officer asked to take the right ones; 0 means that the file is whole';

alter table dc_rate
  add column khasras text not null default '' check (length(khasras) <= 400),
  add column corner_percent numeric(6, 3) not null default 0 check (corner_percent between 0 and 100),
  add column main_road_percent numeric(6, 3) not null default 0 check (main_road_percent between 0 and 100),
  drop constraint dc_rate_storey_check,
  add constraint dc_rate_storey_check check (storey in ('any', 'basement', 'ground', 'first', 'second', 'third', 'upper')),
  add constraint dc_rate_land_only check (part = 'land' or (khasras = '' and corner_percent = 0 and main_road_percent = 0)),
  drop constraint dc_rate_pkey,
  add primary key (district_code, fiscal_year, version, tehsil_code, locality_code, part, land_class, storey, khasras);
comment on column dc_rate.khasras is 'Khasra numbers and ranges that the rate is for; empty is the rest of the locality';
comment on column dc_rate.corner_percent is 'So much dearer is a plot on a corner; main_road_percent likewise on a main road; both are of the plain rate';

-- A foreign key from rates to localities looks each of 250,000 rows up by itself, which takes longer than all the
-- rest of an import; one look at each statement's rows together holds the same rule. Rows are never changed or
-- deleted, so that it cannot be broken from the other side either.
alter table dc_rate
  drop constraint dc_rate_district_code_fiscal_year_version_tehsil_code_loca_fkey;

create function dc_rate_has_locality() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from fresh f
    where not exists (
      select 1 from dc_locality l
      where l.district_code = f.district_code and l.fiscal_year = f.fiscal_year and l.version = f.version
        and l.tehsil_code = f.tehsil_code and l.locality_code = f.locality_code)) then
    raise foreign_key_violation using message = 'a rate names a locality that its table does not have';
  end if;
  return null;
end
$$;
create trigger dc_rate_has_locality after insert on dc_rate
  referencing new table as fresh for each statement execute function dc_rate_has_locality();

create trigger dc_locality_written_once before update or delete or truncate on dc_locality
  for each statement execute function refuse_change();
create trigger dc_rate_written_once before update or delete or truncate on dc_rate
  for each statement execute function refuse_change();
create trigger schedule_row_written_once before update or delete or truncate on schedule_row
  for each statement execute function refuse_change();
create trigger levy_row_written_once before update or delete or truncate on levy_row
  for each statement execute function refuse_change();
create trigger remission_row_written_once before update or delete or truncate on remission_row
  for each statement execute function refuse_change();

-- ------------------------------------------------------------------ boundaries

create table dc_boundary (
  tehsil_code   text not null references tehsil (code),
  locality_code text not null check (locality_code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(locality_code) <= 60),
  version       integer not null check (version > 0),
  name          text not null,
  -- Coordinates of a GeoJSON MultiPolygon: longitude, latitude in WGS 84.
  coordinates   jsonb not null check (jsonb_typeof(coordinates) = 'array' and jsonb_array_length(coordinates) > 0),
  file_name     text not null,
  sha256        text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  imported_by   text not null check (imported_by <> ''),
  imported_at   timestamptz not null,
  primary key (tehsil_code, locality_code, version)
);
comment on table dc_boundary is 'The boundary of a locality, the same for all tables that name it; the highest version is drawn';
