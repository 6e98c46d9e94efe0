/** Turns the rows of the registers into the documents that the renderer draws. */
import {
  openFacts,
  refundableUntil,
  stampFacts,
  type Challan,
  type Party,
  type Stamp,
} from '../../ledger/index.ts';
import type { ChallanDocument, DocumentParty, StampDocument } from '../../stamp-renderer/index.ts';

function documentParty(party: Party): DocumentParty {
  const { name, relation, cnic, address } = party;
  return {
    name,
    ...(relation === undefined ? {} : { relation }),
    ...(cnic === undefined ? {} : { cnic }),
    ...(address === undefined ? {} : { address }),
  };
}

/** The certificate of a stamp. */
export function stampDocument(stamp: Stamp): StampDocument {
  const { application } = stamp;
  return {
    id: stamp.id,
    kind: stamp.kind,
    description: stamp.description,
    article: stamp.article,
    amount: stamp.amount,
    applicant: documentParty(application.applicant),
    ...(application.agent === undefined ? {} : { agent: documentParty(application.agent) }),
    firstParties: application.firstParties.map(documentParty),
    secondParties: application.secondParties.map(documentParty),
    purpose: application.purpose,
    ...(application.propertyText === undefined ? {} : { property: application.propertyText }),
    district: application.districtName,
    districtCode: application.districtCode,
    challanNumber: stamp.challanNumber,
    psid: stamp.psid,
    paidThrough: stamp.participantName,
    issuedAt: stamp.issuedAt,
    validUntil: refundableUntil(stamp.issuedAt),
    state: stamp.state,
    factsRoot: stamp.factsRoot,
    openings: openFacts(
      stamp.secret,
      stampFacts(application, { ...stamp, amountPaisa: stamp.amount }),
    ),
    salt: stamp.salt,
    logSizeAtIssue: stamp.logSize,
  };
}

/** The challan 32-A as printed. */
export function challanDocument(challan: Challan): ChallanDocument {
  const { application, payment } = challan;
  return {
    challanNumber: challan.challanNumber,
    psid: challan.psid,
    district: application.districtName,
    ...(application.tehsilName === undefined ? {} : { tehsil: application.tehsilName }),
    tenderer: documentParty(application.agent ?? application.applicant),
    particulars: [application.instrumentTitle, application.propertyText, application.purpose]
      .filter((part) => part !== undefined && part !== '')
      .join('; '),
    lines: challan.lines,
    total: challan.amount,
    issuedAt: challan.createdAt,
    payableUntil: challan.payableUntil,
    ...(payment === undefined
      ? {}
      : {
          paid: {
            at: payment.paidAt,
            through: payment.participantName,
            reference: payment.reference,
          },
        }),
  };
}
