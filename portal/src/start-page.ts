/** The start page: what runs where, and how to try it with a terminal. */
import { html, page, type Html } from './html.ts';

export interface StartPageOptions {
  /** Host and port by which the reader reached the page. */
  readonly host: string;
  readonly iso8583: string;
  readonly trial: boolean;
  /** What `/health/ready` said a moment ago. */
  readonly ready: boolean;
}

const APPLICATION = {
  instrument: 'conveyance',
  declaredValue: '1250000000',
  property: {
    district: 'LHR',
    tehsil: 'LHR-MODEL-TOWN',
    locality: 'gulberg-iii',
    landClass: 'residential',
    area: { value: '10', unit: 'marla' },
  },
  applicant: {
    name: 'Muhammad Aslam',
    relation: 'S/o Muhammad Akram',
    cnic: '35202-1234567-1',
    contact: '03001234567',
    address: '12-B, Gulberg III, Lahore',
  },
  firstParties: [{ name: 'Zainab Bibi', cnic: '35202-7654321-2' }],
  secondParties: [{ name: 'Muhammad Aslam', cnic: '35202-1234567-1' }],
  purpose: 'Sale of a house',
};

/** The start page for a reader who came by `host`. */
export function startPage(options: StartPageOptions): string {
  const origin = `http://${options.host}`;
  return page(
    'Sanad',
    html`<header class="top">
        <h1>Sanad <span lang="ur" dir="rtl">سند</span></h1>
        <p>
          Payment switch and e-stamp ledger.
          <span class="pill ${options.ready ? 'good' : 'bad'}">
            ${options.ready ? 'Ready' : 'Not ready'}
          </span>
        </p>
      </header>
      <main>
        <section>
          <h2>What runs where</h2>
          <dl class="facts">${places(options, origin)}</dl>
        </section>
        <section>
          <h2>Buy an e-stamp from a terminal</h2>
          ${steps(options, origin)}
        </section>
      </main>`,
  );
}

function places(options: StartPageOptions, origin: string): Html[] {
  const link = (address: string): Html => html`<a href="${address}">${address}</a>`;
  const rows: readonly (readonly [string, Html])[] = [
    ['HTTP API', html`${origin}/v1`],
    ['API description (OpenAPI)', link(`${origin}/openapi.json`)],
    ['Verify an e-stamp', link(`${origin}/v`)],
    ['ISO 8583 line (TCP, 2-byte length header)', html`${options.iso8583}`],
    ['1BILL', html`${origin}/onebill/BillInquiry, /onebill/BillPayment`],
    ['Health', html`${link(`${origin}/health/live`)} ${link(`${origin}/health/ready`)}`],
    ['Metrics', link(`${origin}/metrics`)],
    [
      'Public log and trust list',
      html`${link(`${origin}/v1/log/checkpoint`)} ${link(`${origin}/v1/trust-list`)}`,
    ],
  ];
  return rows.map(
    ([name, place]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${place}</dd>
      </div>`,
  );
}

function steps(options: StartPageOptions, origin: string): Html[] {
  const credentials = options.trial
    ? 'User name and password of the trial bank are in trial.json of the data folder.'
    : 'User name and password are those of a registered participant.';
  const list: readonly (readonly [string, string, string])[] = [
    [
      '1. Find a place of the valuation table',
      'Districts, tehsils and localities that the table knows; put their codes into the next step.',
      [
        `curl -s ${origin}/v1/districts`,
        `curl -s ${origin}/v1/districts/LHR/tehsils`,
        `curl -s '${origin}/v1/localities?district=LHR&tehsil=LHR-MODEL-TOWN'`,
      ].join('\n'),
    ],
    [
      '2. Apply',
      'The answer has the PSID, the duty step by step, and a token that opens the documents.',
      `curl -s ${origin}/v1/stamp-applications \\\n  -H 'content-type: application/json' -H "idempotency-key: $(date +%s)" \\\n  -d '${JSON.stringify(APPLICATION, null, 2)}'`,
    ],
    [
      '3. Take the challan',
      'Challan 32-A in three copies.',
      `curl -s ${origin}/v1/challans/$PSID/pdf -H "authorization: Bearer $TOKEN" -o challan.pdf`,
    ],
    [
      '4. Pay by 1BILL',
      credentials,
      `curl -s ${origin}/onebill/BillInquiry -H 'content-type: application/json' \\\n  -H "username: $NAME" -H "password: $PASSWORD" \\\n  -d '{"consumer_number": "'$PSID'", "bank_mnemonic": "TRIALBNK", "reserved": ""}'\n\ncurl -s ${origin}/onebill/BillPayment -H 'content-type: application/json' \\\n  -H "username: $NAME" -H "password: $PASSWORD" \\\n  -d '{"consumer_number": "'$PSID'", "tran_auth_id": "000001", "transaction_amount": "'$(printf %012d $AMOUNT)'",\n       "tran_date": "'$(date +%Y%m%d)'", "tran_time": "'$(date +%H%M%S)'", "bank_mnemonic": "TRIALBNK", "reserved": ""}'`,
    ],
    [
      '5. Take the e-stamp and verify it',
      'The verification reads the PDF itself; try it on a copy that you edited.',
      `curl -s ${origin}/v1/challans/$PSID/stamps -H "authorization: Bearer $TOKEN"\ncurl -s ${origin}/v1/stamps/$STAMP/pdf -H "authorization: Bearer $TOKEN" -o e-stamp.pdf\ncurl -s ${origin}/v1/verifications -H 'content-type: application/pdf' --data-binary @e-stamp.pdf`,
    ],
  ];
  return list.map(
    ([title, what, command]) =>
      html`<h3>${title}</h3>
        <p>${what}</p>
        <pre tabindex="0"><code>${command}</code></pre>`,
  );
}
