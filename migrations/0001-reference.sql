-- Reference data: places, heads of account, Schedule I, companion levies and the District Collectors' tables.
--
-- Rules (docs/adr/0002-schema.md): these are small reference tables, copied to every shard, with natural keys
-- and no sequences. Amounts are bigint paisa, rates numeric per cent. Every row says where it comes from and
-- whether it is an assumption. Rates are never updated in place: a changed file is a new version, and a
-- calculation names the version it used. A date is inside a period when from <= date <= to; no `to` is open.

-- ------------------------------------------------------------------ places

create table division (
  code    text primary key check (code ~ '^[A-Z]{3}$'),
  name    text not null unique,
  source  text not null,
  assumed boolean not null
);

create table district (
  code          text primary key check (code ~ '^[A-Z]{3}$'),
  name          text not null unique,
  division_code text not null references division (code),
  source        text not null,
  assumed       boolean not null
);

create table tehsil (
  code          text primary key check (code ~ '^[A-Z]{3}-[A-Z0-9]+(-[A-Z0-9]+)*$' and length(code) <= 40),
  name          text not null,
  district_code text not null references district (code),
  source        text not null,
  assumed       boolean not null,
  unique (district_code, code),
  unique (district_code, name),
  check (left(code, 3) = district_code)
);

-- ------------------------------------------------------------------ heads of account

create table head_of_account (
  code    text primary key check (code ~ '^[A-Z0-9][A-Z0-9-]{2,19}$'),
  title   text not null,
  kind    text not null check (kind in ('stamps', 'court-fees', 'registration', 'property-tax', 'local-government',
                                        'federal-tax', 'copying-fees', 'other')),
  source  text not null,
  assumed boolean not null
);
comment on table head_of_account is 'Receipt heads of the Chart of Accounts; local and federal heads are those that a deed''s challan carries';

-- ------------------------------------------------------------------ files that were loaded

create table reference_file (
  kind        text primary key check (kind in ('divisions', 'districts', 'tehsils', 'heads-of-account')),
  file_name   text not null,
  sha256      text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  row_count   integer not null check (row_count > 0),
  imported_at timestamptz not null
);
comment on table reference_file is 'The file that places and heads were last loaded from; their rows are known by their codes and have no versions';

-- ------------------------------------------------------------------ Schedule I

create table schedule_version (
  version     integer primary key check (version > 0),
  file_name   text not null,
  sha256      text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  row_count   integer not null check (row_count > 0),
  imported_at timestamptz not null
);
comment on table schedule_version is 'One file of Schedule I with rows for all dates; the highest version is in use';

create table schedule_row (
  version           integer not null references schedule_version (version),
  line              integer not null check (line > 1),
  instrument_code   text not null check (instrument_code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(instrument_code) <= 60),
  title             text not null,
  article           text not null check (article ~ '^[0-9]{1,2}(-[A-Z])?$'),
  sub_article       text check (sub_article ~ '^[a-z]{1,4}$'),
  stamp_kind        text not null check (stamp_kind in ('non-judicial', 'judicial')),
  head_code         text not null references head_of_account (code),
  basis             text not null check (basis in ('fixed', 'percent-of-consideration', 'percent-of-property')),
  setting           text not null check (setting in ('any', 'urban', 'rural')),
  value_above_paisa bigint not null check (value_above_paisa >= 0),
  value_up_to_paisa bigint check (value_up_to_paisa > value_above_paisa),
  amount_paisa      bigint check (amount_paisa > 0),
  rate_percent      numeric(9, 6) check (rate_percent > 0 and rate_percent <= 100),
  minimum_paisa     bigint check (minimum_paisa > 0),
  maximum_paisa     bigint check (maximum_paisa >= coalesce(minimum_paisa, 1)),
  rounding          text not null check (rounding in ('rupee-up', 'paisa-nearest')),
  effective_from    date not null,
  effective_to      date check (effective_to >= effective_from),
  source            text not null,
  assumed           boolean not null,
  primary key (version, instrument_code, setting, value_above_paisa, effective_from),
  unique (version, line),
  check ((basis = 'fixed') = (amount_paisa is not null)),
  check ((basis = 'fixed') = (rate_percent is null)),
  check (basis <> 'fixed' or num_nonnulls(minimum_paisa, maximum_paisa) = 0)
);
comment on column schedule_row.line is 'Line of the file, so that a person finds the row that a calculation names';
comment on column schedule_row.basis is
  'percent-of-property: of the table''s value or the declared one, the higher (s. 27-A); percent-of-consideration: of the declared amount';
comment on column schedule_row.value_above_paisa is 'The row holds for value_above < value <= value_up_to';

-- ------------------------------------------------------------------ levies that go with a deed

create table levy_version (
  version     integer primary key check (version > 0),
  file_name   text not null,
  sha256      text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  row_count   integer not null check (row_count > 0),
  imported_at timestamptz not null
);

create table levy_row (
  version           integer not null references levy_version (version),
  line              integer not null check (line > 1),
  levy_code         text not null check (levy_code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(levy_code) <= 60),
  title             text not null,
  head_code         text not null references head_of_account (code),
  instrument_codes  text[] not null check (cardinality(instrument_codes) > 0),
  payer             text not null check (payer in ('either', 'seller', 'purchaser')),
  taxpayer_status   text not null check (taxpayer_status in ('any', 'filer', 'late-filer', 'non-filer')),
  basis             text not null check (basis in ('fixed', 'percent-of-value')),
  setting           text not null check (setting in ('any', 'urban', 'rural')),
  value_above_paisa bigint not null check (value_above_paisa >= 0),
  value_up_to_paisa bigint check (value_up_to_paisa > value_above_paisa),
  amount_paisa      bigint check (amount_paisa > 0),
  rate_percent      numeric(9, 6) check (rate_percent > 0 and rate_percent <= 100),
  rounding          text not null check (rounding in ('rupee-up', 'paisa-nearest')),
  active            boolean not null,
  effective_from    date not null,
  effective_to      date check (effective_to >= effective_from),
  source            text not null,
  assumed           boolean not null,
  primary key (version, line),
  check ((basis = 'fixed') = (amount_paisa is not null)),
  check ((basis = 'fixed') = (rate_percent is null)),
  check (taxpayer_status = 'any' or payer <> 'either')
);
comment on column levy_row.active is 'The switch: a row that is not active is kept for the record and never charged';

-- ------------------------------------------------------------------ the District Collectors' valuation tables

create table dc_table (
  district_code  text not null references district (code),
  fiscal_year    text not null check (fiscal_year ~ '^20[0-9]{2}-[0-9]{2}$'),
  version        integer not null check (version > 0),
  effective_from date not null,
  effective_to   date not null check (effective_to >= effective_from),
  origin         text not null check (origin in ('bundled', 'collector')),
  file_name      text not null,
  sha256         text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  rate_count     integer not null check (rate_count > 0),
  imported_at    timestamptz not null,
  primary key (district_code, fiscal_year, version),
  unique (district_code, fiscal_year, sha256),
  check ((left(fiscal_year, 4)::integer + 1) % 100 = right(fiscal_year, 2)::integer),
  check (effective_from >= make_date(left(fiscal_year, 4)::integer, 7, 1)),
  check (effective_to <= make_date(left(fiscal_year, 4)::integer + 1, 6, 30))
);
comment on table dc_table is
  'On a date the highest version that covers it is in force: a correction covers the whole year, a revision the rest of it';
comment on column dc_table.origin is 'A file that came with the program never supersedes one that the Collector sent';

create table dc_locality (
  district_code text not null,
  fiscal_year   text not null,
  version       integer not null,
  tehsil_code   text not null,
  locality_code text not null check (locality_code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(locality_code) <= 60),
  name          text not null,
  setting       text not null check (setting in ('urban', 'rural')),
  primary key (district_code, fiscal_year, version, tehsil_code, locality_code),
  foreign key (district_code, fiscal_year, version) references dc_table (district_code, fiscal_year, version),
  foreign key (district_code, tehsil_code) references tehsil (district_code, code)
);
comment on table dc_locality is 'A mauza, revenue circle, road or housing scheme as a table names it';

create table dc_rate (
  district_code text not null,
  fiscal_year   text not null,
  version       integer not null,
  tehsil_code   text not null,
  locality_code text not null,
  part          text not null check (part in ('land', 'structure')),
  land_class    text not null check (land_class in ('residential', 'commercial', 'industrial', 'institutional',
                                                   'agricultural-irrigated', 'agricultural-unirrigated')),
  storey        text not null check (storey in ('any', 'basement', 'ground', 'upper')),
  unit          text not null check (unit in ('sq-ft', 'sarsai', 'marla', 'kanal', 'acre')),
  marla_sq_ft   numeric(5, 2) not null check (marla_sq_ft in (225, 272.25)),
  rate_paisa    bigint not null check (rate_paisa > 0),
  line          integer not null check (line > 1),
  source        text not null,
  assumed       boolean not null,
  primary key (district_code, fiscal_year, version, tehsil_code, locality_code, part, land_class, storey),
  foreign key (district_code, fiscal_year, version, tehsil_code, locality_code)
    references dc_locality (district_code, fiscal_year, version, tehsil_code, locality_code),
  check (part = 'structure' or storey = 'any'),
  check (part = 'land' or unit = 'sq-ft')
);
comment on column dc_rate.rate_paisa is 'For one unit of land, or one square foot of covered area';
