/** The front door of the room `bench`: one program per figure (bench/README.md). */
export { benchRender } from './certificates.ts';
export { benchChannel } from './channels.ts';
export { benchCodec } from './codec.ts';
export { succeeded, type RecordedDocument, type BenchDocument } from './document.ts';
export { benchDuty } from './duty.ts';
export { benchGrowth } from './growth.ts';
export { parseSettings } from './harness/books.ts';
export { benchHistory } from './history.ts';
export { benchConnections } from './iso-connections.ts';
export { benchLane } from './lane.ts';
export { benchLog } from './log.ts';
export { renderResults } from './render.ts';
