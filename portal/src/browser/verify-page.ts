/**
 * The script of `/v`: verifies the seal behind `#` in this browser, then asks the register for the status. Three
 * findings are shown side by side and never merged.
 */
import { byId, fill, made, replaceWith, show } from './elements.ts';
import { loadVerifier, type Report, type Status, type Verifier } from './verifier.ts';

const FACTS: readonly (readonly [string, string])[] = [
  ['stampId', 'E-stamp number'],
  ['amount', 'Amount'],
  ['amountInWords', 'In words'],
  ['issuedAtPrinted', 'Issued'],
  ['kind', 'Kind'],
  ['article', 'Article'],
  ['purpose', 'Reason'],
  ['applicant', 'Applicant'],
  ['cnicLast4', 'CNIC of the applicant ends in'],
  ['firstParty', 'First party'],
  ['secondParty', 'Second party'],
  ['districtCode', 'District'],
  ['validUntil', 'Valid until'],
  ['psid', 'PSID'],
  ['challanNumber', 'Challan 32-A'],
];

const STATES: Readonly<Record<string, string>> = {
  issued: 'Issued and not used',
  delisted: 'Already used',
  spoiled: 'Spoiled',
  'refund-requested': 'Surrendered for a refund',
  refunded: 'Refunded',
  cancelled: 'Cancelled',
  unknown: 'Not in the register',
  unchecked: 'Not checked: the register could not be asked',
};

/** The register could not be asked: no network, or it refuses to answer now. */
class RegisterAway extends Error {}

async function askStatus(verifier: Verifier, stampId: string): Promise<Status | undefined> {
  const response = await fetch(`/v1/stamps/${stampId}/status`).catch(() => undefined);
  if (response?.status === 404) return undefined;
  if (response?.ok !== true) throw new RegisterAway();
  const status = verifier.statusFromJson(await response.json());
  if (status === undefined) throw new RegisterAway();
  return status;
}

async function report(verifier: Verifier): Promise<Report> {
  const response = await fetch('/v1/trust-list');
  const trustList = verifier.parseTrustList(await response.json());
  const options = { trustList, now: new Date() };
  const qrText = location.hash;
  try {
    const status = (id: string): Promise<Status | undefined> => askStatus(verifier, id);
    return await verifier.verifyQr(qrText, { ...options, status });
  } catch (error) {
    if (!(error instanceof RegisterAway)) throw error;
    return verifier.verifyQr(qrText, options);
  }
}

function showReport(found: Report): void {
  const used = found.notices.some(({ code }) => code === 'already-used');
  const good = used ? 'warn' : 'good';
  show('verdict', found.verdict === 'genuine' ? good : 'bad');
  byId('verdict-en').textContent = found.message.en;
  byId('verdict-ur').textContent = found.message.ur;
  const sentences = [...found.reasons.slice(1), ...found.notices].map(({ message }) => message);
  replaceWith(
    'reasons',
    sentences.map((message) => made('li', message)),
  );
  byId('findings').hidden = false;
  showSeal(found);
  showLog(found);
  showStatus(found);
  const { facts } = found;
  byId('sealed').hidden = facts === undefined;
  replaceWith(
    'facts',
    FACTS.flatMap(([key, name]) => {
      const value = facts?.[key];
      return value === undefined ? [] : [fact(name, key === 'stampId' ? grouped(value) : value)];
    }),
  );
}

function showSeal({ seal }: Report): void {
  const isGenuine = seal.state === 'genuine';
  show('seal', isGenuine ? 'good' : 'bad');
  fill('seal', '.state', isGenuine ? 'Genuine' : 'Not genuine');
  const when = seal.sealedAt === undefined ? '' : `, ${localTime(seal.sealedAt)}`;
  fill('seal', '.more', isGenuine ? `${seal.authority ?? ''}${when}` : '');
}

function showLog({ log }: Report): void {
  const proved = log.state === 'proved';
  const wrong = log.state === 'refused';
  show('log', proved ? 'good' : wrong ? 'bad' : 'warn');
  const words: Readonly<Record<string, string>> = {
    proved: 'Proved',
    pending: 'Not yet in the log',
    refused: 'The proof is wrong',
    unchecked: 'Not checked',
  };
  fill('log', '.state', words[log.state] ?? log.state);
  const head =
    log.checkpointSigned === false ? ' The signature of its head was not checked here.' : '';
  const entry = `Entry ${log.leafIndex ?? ''} of ${log.treeSize ?? ''}, ${log.origin ?? ''}.${head}`;
  fill('log', '.more', proved ? entry : '');
}

function showStatus({ status }: Report): void {
  const tones: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
    issued: 'good',
    delisted: 'warn',
    unchecked: 'warn',
  };
  show('status', tones[status.state] ?? 'bad');
  fill('status', '.state', STATES[status.state] ?? status.state);
  fill('status', '.more', status.asOf === undefined ? '' : `As of ${localTime(status.asOf)}`);
}

function fact(name: string, value: string): HTMLElement {
  const row = document.createElement('div');
  row.append(made('dt', name), made('dd', value));
  return row;
}

function grouped(digits: string): string {
  return digits.replace(/(\d{4})(?=\d)/g, '$1-');
}

function localTime(instant: string): string {
  const written = new Date(instant).toLocaleString('en-GB', {
    timeZone: 'Asia/Karachi',
    dateStyle: 'medium',
    timeStyle: 'medium',
  });
  return `${written} PKT`;
}

function showTrouble(sentence: string): void {
  show('verdict', 'warn');
  byId('verdict-en').textContent = sentence;
  byId('verdict-ur').textContent = 'ابھی تصدیق نہیں ہو سکی۔';
  byId('findings').hidden = true;
  byId('sealed').hidden = true;
}

async function verifyFragment(): Promise<void> {
  if (location.hash.length < 2) return;
  if (!isSecureContext) {
    showTrouble(
      'Not checked: open this page over https, so that the browser can check signatures.',
    );
    return;
  }
  try {
    showReport(await report(await loadVerifier()));
  } catch {
    // Without the verifier or the trust list nothing can be said, and that is what the page says.
    showTrouble('Not checked: the trust list could not be loaded. Try again.');
  }
}

async function lookUp(): Promise<void> {
  const answer = byId('answer');
  const field = byId('number');
  const digits = field instanceof HTMLInputElement ? field.value.replaceAll(/[\s-]/g, '') : '';
  if (!/^\d{16}$/.test(digits)) {
    answer.textContent = 'The number of an e-stamp has 16 digits.';
    return;
  }
  answer.textContent = 'Asking the register…';
  const response = await fetch(`/v1/stamps/${digits}/status`).catch(() => undefined);
  if (response?.status === 400) {
    answer.textContent = 'The number was mistyped: its check digit is wrong.';
  } else if (response?.status === 404) {
    answer.textContent = 'The register has no such e-stamp.';
  } else if (response?.status === 429) {
    answer.textContent = 'Too many look-ups from here. Wait a minute.';
  } else if (response?.ok === true) {
    const status = (await loadVerifier()).statusFromJson(await response.json());
    answer.textContent =
      status === undefined
        ? 'The answer of the register could not be read.'
        : `${STATES[status.state] ?? status.state}, as of ${localTime(status.asOf.toISOString())}. This says nothing about the paper: scan its QR code.`;
  } else {
    answer.textContent = 'The register could not be asked. Try again.';
  }
}

byId('lookup').addEventListener('submit', (event) => {
  event.preventDefault();
  void lookUp();
});
addEventListener('hashchange', () => void verifyFragment());
void verifyFragment();
