/**
 * For tests: a gateway peer on loopback that speaks Fabric's gateway protocol over real gRPC and runs the contract's
 * rules, with the two things that matter of a network: a transaction is endorsed first and valid only if what it
 * read has not changed when it is committed, and every step can fail or be late. It checks the client's signatures.
 */
import { Metadata, Server, ServerCredentials, status, type ServiceError } from '@grpc/grpc-js';
import { common, gateway, msp, peer } from '@hyperledger/fabric-protos';
import { verify, X509Certificate } from 'node:crypto';
import { ContractError, refusalText } from '../../../chaincode/src/contract-error.ts';
import { appendBatch, readBatch, readHead, type LogHead } from '../../../chaincode/src/registry.ts';

export type LoopbackStep = 'evaluate' | 'endorse' | 'submit' | 'commitStatus';

interface Pending {
  readonly version: number;
  readonly writes: ReadonlyMap<string, Uint8Array>;
  readonly event: Buffer;
}

interface Block {
  readonly transactionId: string;
  readonly event: Buffer;
  readonly state: ReadonlyMap<string, Uint8Array>;
}

/** The ledger that several gateways stand before. */
export class LoopbackLedger {
  readonly blocks: Block[] = [];
  readonly pending = new Map<string, Pending>();
  readonly verdicts = new Map<string, { code: number; block: number }>();

  /** The world state as a peer has it that is this many blocks behind. */
  stateBehind(blocks: number): ReadonlyMap<string, Uint8Array> {
    return this.blocks.at(-1 - blocks)?.state ?? new Map<string, Uint8Array>();
  }

  /** What all the organisations together could do: change what the peers hold. */
  tamper(change: (state: Map<string, Uint8Array>) => void): void {
    const last = this.blocks.pop();
    if (last === undefined) throw new RangeError('There is nothing to change yet.');
    const state = new Map(last.state);
    change(state);
    this.blocks.push({ ...last, state });
  }
}

/** What a test wants to happen at a step; `before` fails before the step is done, `after` once it is done. */
export interface LoopbackFault {
  readonly step: LoopbackStep;
  readonly when: 'before' | 'after';
  readonly code: status;
}

function grpcError(code: status, message: string): ServiceError {
  return Object.assign(new Error(message), { code, details: message, metadata: new Metadata() });
}

function argumentsOf(signed: peer.SignedProposal | undefined): string[] {
  const proposal = peer.Proposal.deserializeBinary(signed?.getProposalBytes_asU8() ?? Buffer.of());
  const payload = peer.ChaincodeProposalPayload.deserializeBinary(proposal.getPayload_asU8());
  const spec = peer.ChaincodeInvocationSpec.deserializeBinary(payload.getInput_asU8());
  const args = spec.getChaincodeSpec()?.getInput()?.getArgsList_asU8() ?? [];
  return args.map((arg) => Buffer.from(arg).toString('utf8'));
}

/** True when the proposal is signed by the certificate that it names, with the smaller S. */
function isSigned(signed: peer.SignedProposal | undefined): boolean {
  const bytes = signed?.getProposalBytes_asU8() ?? Buffer.of();
  const proposal = peer.Proposal.deserializeBinary(bytes);
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const signature = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8());
  const creator = msp.SerializedIdentity.deserializeBinary(signature.getCreator_asU8());
  const { publicKey } = new X509Certificate(Buffer.from(creator.getIdBytes_asU8()));
  return verify('sha256', bytes, publicKey, signed?.getSignature_asU8() ?? Buffer.of());
}

function envelope(result: string): common.Envelope {
  const response = new peer.Response();
  response.setStatus(200);
  response.setPayload(Buffer.from(result, 'utf8'));
  const action = new peer.ChaincodeAction();
  action.setResponse(response);
  const proposalResponse = new peer.ProposalResponsePayload();
  proposalResponse.setExtension$(action.serializeBinary());
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(proposalResponse.serializeBinary());
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setAction(endorsed);
  const transactionAction = new peer.TransactionAction();
  transactionAction.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.setActionsList([transactionAction]);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setChannelId('estamp');
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(transaction.serializeBinary());
  const made = new common.Envelope();
  made.setPayload(payload.serializeBinary());
  return made;
}

function headText({ size, root }: LogHead): string {
  return JSON.stringify({ size: size.toString(), root: Buffer.from(root).toString('base64') });
}

/** One gateway peer; give several the same ledger. */
export class LoopbackGateway {
  readonly #ledger: LoopbackLedger;
  readonly #server = new Server({ 'grpc.max_receive_message_length': 32 * 1024 * 1024 });
  /** Blocks that this peer is behind. */
  behind = 0;
  /** Faults to come, each used once. */
  readonly faults: LoopbackFault[] = [];
  readonly calls: LoopbackStep[] = [];
  /** Called before every call is answered: a peer catches up while a test waits. */
  onCall: () => void = () => undefined;
  port = 0;

  constructor(ledger: LoopbackLedger) {
    this.#ledger = ledger;
    this.#server.addService(gateway.GatewayService, {
      evaluate: this.#unary('evaluate', (request: gateway.EvaluateRequest) =>
        this.#evaluate(request),
      ),
      endorse: this.#unary('endorse', (request: gateway.EndorseRequest) => this.#endorse(request)),
      submit: this.#unary('submit', (request: gateway.SubmitRequest) => this.#submit(request)),
      commitStatus: this.#unary('commitStatus', (request: gateway.SignedCommitStatusRequest) =>
        this.#commitStatus(request),
      ),
      chaincodeEvents: (call: {
        request: Uint8Array;
        write: (response: unknown) => void;
        end: () => void;
      }) => this.#events(call),
    });
  }

  async listen(port = 0): Promise<void> {
    this.port = await new Promise((resolve, reject) =>
      this.#server.bindAsync(
        `127.0.0.1:${String(port)}`,
        ServerCredentials.createInsecure(),
        (error, bound) => (error === null ? resolve(bound) : reject(error)),
      ),
    );
  }

  /** Drops every connection at once, as a killed peer does. */
  kill(): void {
    this.#server.forceShutdown();
  }

  #unary<Request, Response>(
    step: LoopbackStep,
    work: (request: Request) => Promise<Response>,
  ): (
    call: { request: Request },
    done: (error: ServiceError | null, response?: Response) => void,
  ) => void {
    return (call, done) => {
      this.calls.push(step);
      this.onCall();
      const at = this.faults.findIndex((fault) => fault.step === step);
      const fault = at < 0 ? undefined : this.faults.splice(at, 1)[0];
      if (fault?.when === 'before') {
        done(grpcError(fault.code, 'made to fail'));
        return;
      }
      work(call.request).then(
        (response) => {
          if (fault === undefined) done(null, response);
          else done(grpcError(fault.code, 'the answer was lost'));
        },
        (error: unknown) => {
          const message = error instanceof ContractError ? refusalText(error) : String(error);
          done(grpcError(status.UNKNOWN, `chaincode response 500, ${message}`));
        },
      );
    };
  }

  async #run(
    signed: peer.SignedProposal | undefined,
    writes: Map<string, Uint8Array>,
  ): Promise<{ text: string; event?: Buffer }> {
    if (!isSigned(signed)) throw new Error('the signature is wrong');
    const [name = '', start = '', entries = '', root = '', issues = ''] = argumentsOf(signed);
    const state = this.#ledger.stateBehind(this.behind);
    const world = {
      get: (key: string) => Promise.resolve(state.get(key)),
      put: (key: string, value: Uint8Array) => {
        writes.set(key, value);
        return Promise.resolve();
      },
    };
    if (name === 'EstampLog:readHead') return { text: headText(await readHead(world)) };
    if (name === 'EstampLog:readBatch') {
      const found = (await readBatch(world, BigInt(start))) ?? new Uint8Array();
      return { text: Buffer.from(found).toString('base64') };
    }
    if (name !== 'EstampLog:appendBatch') throw new Error(`no function ${name}`);
    const packed = Buffer.from(entries, 'base64');
    const batch = {
      start: BigInt(start),
      entries: packed,
      expectedRoot: Buffer.from(root, 'base64'),
      issueBatches: issues === '' ? [] : issues.split(',').map(BigInt),
    };
    const head = headText(await appendBatch(world, batch));
    const event = JSON.stringify({ start, count: packed.length / 58, head });
    return { text: head, event: Buffer.from(event, 'utf8') };
  }

  async #evaluate(request: gateway.EvaluateRequest): Promise<gateway.EvaluateResponse> {
    const { text } = await this.#run(request.getProposedTransaction(), new Map());
    const result = new peer.Response();
    result.setPayload(Buffer.from(text, 'utf8'));
    const response = new gateway.EvaluateResponse();
    response.setResult(result);
    return response;
  }

  async #endorse(request: gateway.EndorseRequest): Promise<gateway.EndorseResponse> {
    const version = this.#ledger.blocks.length - this.behind;
    const writes = new Map<string, Uint8Array>();
    const { text, event } = await this.#run(request.getProposedTransaction(), writes);
    this.#ledger.pending.set(request.getTransactionId(), {
      version,
      writes,
      event: event ?? Buffer.of(),
    });
    const response = new gateway.EndorseResponse();
    response.setPreparedTransaction(envelope(text));
    return response;
  }

  #submit(request: gateway.SubmitRequest): Promise<gateway.SubmitResponse> {
    const { blocks, pending, verdicts } = this.#ledger;
    const id = request.getTransactionId();
    const transaction = pending.get(id);
    if (transaction === undefined) throw new Error('never endorsed');
    pending.delete(id);
    const isValid = transaction.version === blocks.length;
    verdicts.set(id, {
      code: isValid ? peer.TxValidationCode.VALID : peer.TxValidationCode.MVCC_READ_CONFLICT,
      block: blocks.length,
    });
    if (isValid) {
      const state = new Map([...this.#ledger.stateBehind(0), ...transaction.writes]);
      blocks.push({ transactionId: id, event: transaction.event, state });
    }
    return Promise.resolve(new gateway.SubmitResponse());
  }

  #commitStatus(request: gateway.SignedCommitStatusRequest): Promise<gateway.CommitStatusResponse> {
    const inner = gateway.CommitStatusRequest.deserializeBinary(request.getRequest_asU8());
    const verdict = this.#ledger.verdicts.get(inner.getTransactionId());
    const response = new gateway.CommitStatusResponse();
    response.setResult(verdict?.code as never);
    response.setBlockNumber(verdict?.block ?? 0);
    return Promise.resolve(response);
  }

  #events(call: {
    request: Uint8Array | gateway.SignedChaincodeEventsRequest;
    write: (response: unknown) => void;
    end: () => void;
  }): void {
    const signed = call.request as gateway.SignedChaincodeEventsRequest;
    const request = gateway.ChaincodeEventsRequest.deserializeBinary(signed.getRequest_asU8());
    const from = request.getStartPosition()?.getSpecified()?.getNumber() ?? 0;
    const after = request.getAfterTransactionId();
    const blocks = this.#ledger.blocks
      .map((block, number) => ({ ...block, number }))
      .filter(
        ({ number, transactionId }) =>
          number >= from && !(number === from && transactionId === after),
      );
    for (const { number, transactionId, event } of blocks) {
      const told = new peer.ChaincodeEvent();
      told.setChaincodeId(request.getChaincodeId());
      told.setTxId(transactionId);
      told.setEventName('BatchAppended');
      told.setPayload(event);
      const response = new gateway.ChaincodeEventsResponse();
      response.setBlockNumber(number);
      response.setEventsList([told]);
      call.write(response);
    }
    // A peer that goes away ends the stream; the client comes back.
    call.end();
  }
}
