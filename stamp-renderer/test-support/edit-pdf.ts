/** What a forger does to a PDF with a text editor: its page is unpacked, edited and packed again. */
import { deflateSync, inflateSync } from 'node:zlib';

/**
 * Edits the content of the first page. The length is corrected; the offsets in the file's table are not, which
 * readers repair by themselves.
 */
export function editPage(pdf: Buffer, edit: (content: string) => string): Buffer {
  const marker = Buffer.from('/Filter /FlateDecode\n>>\nstream\n');
  const lengthOf = /\/Length (\d+)\n$/;
  for (let at = pdf.indexOf(marker); at >= 0; at = pdf.indexOf(marker, at + 1)) {
    const start = at + marker.length;
    const length = Number(lengthOf.exec(pdf.subarray(0, at).toString('latin1'))?.[1]);
    if (!(length > 0)) continue;
    const content = inflateSync(pdf.subarray(start, start + length)).toString('latin1');
    if (!content.includes('BT /')) continue;
    const edited = deflateSync(Buffer.from(edit(content), 'latin1'));
    const head = pdf
      .subarray(0, at)
      .toString('latin1')
      .replace(lengthOf, `/Length ${String(edited.length)}\n`);
    return Buffer.concat([
      Buffer.from(head, 'latin1'),
      marker,
      edited,
      pdf.subarray(start + length),
    ]);
  }
  throw new Error('No page content was found.');
}
