/** The seal's verifier as `/assets/seal-verifier.js` offers it: the renderer's own code, loaded over HTTP. */

interface Sentence {
  readonly message: string;
  readonly urdu: string;
}

/** As much of the report as the page shows. */
export interface Report {
  readonly verdict: 'genuine' | 'refused';
  readonly message: { readonly en: string; readonly ur: string };
  readonly reasons: readonly Sentence[];
  readonly notices: readonly (Sentence & { readonly code: string })[];
  readonly seal: {
    readonly state: string;
    readonly authority?: string;
    readonly sealedAt?: string;
  };
  readonly facts?: Readonly<Record<string, string>>;
  readonly log: {
    readonly state: string;
    readonly origin?: string;
    readonly leafIndex?: string;
    readonly treeSize?: string;
    readonly checkpointSigned?: boolean;
  };
  readonly status: { readonly state: string; readonly asOf?: string };
}

/** What the register said of a stamp; only handed on. */
export interface Status {
  readonly state: string;
  readonly asOf: Date;
}

export interface Verifier {
  verifyQr(
    qrText: string,
    options: {
      readonly trustList: unknown;
      readonly now: Date;
      readonly status?: (stampId: string) => Promise<Status | undefined>;
    },
  ): Promise<Report>;
  parseTrustList(value: unknown): unknown;
  statusFromJson(value: unknown): Status | undefined;
}

/** Not a literal in the import, so that no bundler follows it: the file belongs to another room. */
const VERIFIER = '/assets/seal-verifier.js';

/** Loads the verifier. */
export async function loadVerifier(): Promise<Verifier> {
  // The bundle is stamp-renderer/browser.ts, whose exports these are; the page's test runs both together.
  return (await import(VERIFIER)) as Verifier;
}
