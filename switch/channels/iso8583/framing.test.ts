import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../../../kernel/fault.ts';
import {
  FRAME_MAX,
  FrameReader,
  answerHeader,
  frameAll,
  frameMessages,
  splitFrame,
  type Framing,
} from './framing.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('cutting a stream into frames', () => {
  const rows: [string, string[], string[], boolean][] = [
    ['one frame in one packet', ['0003 414243'], ['414243'], false],
    ['two frames in one packet', ['0001 41 0002 4243'], ['41', '4243'], false],
    ['one frame in three packets', ['00', '03 4142', '43'], ['414243'], false],
    ['half a frame', ['0003 41'], [], true],
    ['half a header', ['00'], [], true],
    ['a frame and a half', ['0001 41 0002 42'], ['41'], true],
    ['a frame of length zero', ['0000'], [], false],
    ['a frame of length zero between two', ['0001 41 0000 0001 42'], ['41', '42'], false],
    ['every byte in its own packet', ['00', '02', '41', '42'], ['4142'], false],
  ];
  it.each(rows)('%s', (_, chunks, messages, isInside) => {
    const reader = new FrameReader();
    const got = chunks.flatMap((chunk) => reader.push(hex(chunk)));
    expect(got.map((message) => message.toString('hex'))).toEqual(messages);
    expect(reader.isInsideFrame).toBe(isInside);
  });

  it('takes the longest frame and refuses one byte more', () => {
    const longest = Buffer.alloc(FRAME_MAX, 0x41);
    expect(new FrameReader().push(frameMessages([longest]))).toEqual([longest]);
    expect(() => new FrameReader().push(hex('1001'))).toThrow(Fault);
    expect(() => frameMessages([Buffer.alloc(FRAME_MAX + 1)])).toThrow(Fault);
  });

  it('gives back what was framed, however the bytes are cut', () => {
    const body = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(body, { maxLength: 8 }), fc.array(fc.nat(50)), (messages, cuts) => {
        let rest = frameMessages(messages);
        const reader = new FrameReader();
        const got: Buffer[] = [];
        for (const cut of cuts) {
          got.push(...reader.push(rest.subarray(0, cut)));
          rest = rest.subarray(cut);
        }
        got.push(...reader.push(rest));
        expect(got).toEqual(messages);
      }),
    );
  });
});

const framing = (given: Partial<Framing>): Framing => ({
  length: 'binary-2',
  countsItself: false,
  header: Buffer.alloc(0),
  answer: 'echo',
  ...given,
});

describe('other frames', () => {
  const tpdu = hex('6000010002');
  const rows: [string, Partial<Framing>, string][] = [
    ['four digits', { length: 'ascii-4' }, '30303033 414243'],
    [
      'four digits that count themselves',
      { length: 'ascii-4', countsItself: true },
      '30303037 414243',
    ],
    ['two bytes of BCD', { length: 'bcd-2' }, '0003 414243'],
    ['two bytes that count themselves', { countsItself: true }, '0005 414243'],
    ['a TPDU', { header: tpdu, answer: 'tpdu' }, '0008 6000010002 414243'],
    ['BCD and a TPDU', { length: 'bcd-2', header: tpdu }, '0008 6000010002 414243'],
  ];
  it.each(rows)('%s: written, read from any chunks, every prefix incomplete', (_, given, bytes) => {
    const of = framing(given);
    const framed = frameMessages([hex('414243')], of);
    expect(framed.toString('hex')).toBe(hex(bytes).toString('hex'));
    for (let cut = 0; cut < framed.length; cut += 1) {
      const reader = new FrameReader(of);
      expect(reader.push(framed.subarray(0, cut))).toEqual([]);
      const [frame] = reader.push(framed.subarray(cut));
      const { header, message } = splitFrame(frame!, of);
      expect(header).toEqual(of.header);
      expect(message.toString()).toBe('ABC');
      expect(reader.isInsideFrame).toBe(false);
    }
  });

  it('a length of 100 or more in BCD is decimal', () => {
    const framed = frameMessages([Buffer.alloc(294)], framing({ length: 'bcd-2' }));
    expect(framed.subarray(0, 2).toString('hex')).toBe('0294');
  });

  const hostile: [string, Partial<Framing>, string][] = [
    ['a length of letters', { length: 'ascii-4' }, '30303041'],
    ['a length with a sign', { length: 'ascii-4' }, '2d303031'],
    ['a nibble that is no digit', { length: 'bcd-2' }, '000a'],
    ['a length above the longest', { length: 'ascii-4' }, '34303937'],
    ['a length above the longest in BCD', { length: 'bcd-2' }, '4097'],
    ['a length shorter than itself', { countsItself: true }, '0001'],
    ['a length shorter than the header', { header: tpdu }, '0004'],
  ];
  it.each(hostile)('refuses %s', (_, given, bytes) => {
    expect(() => new FrameReader(framing(given)).push(hex(bytes))).toThrow(Fault);
  });

  it('answers with the request’s header, its addresses exchanged, or its own', () => {
    const header = hex('6000019999');
    expect(answerHeader(header, framing({ header: tpdu, answer: 'echo' }))).toEqual(header);
    expect(answerHeader(header, framing({ header: tpdu, answer: 'tpdu' }))).toEqual(
      hex('6099990001'),
    );
    expect(answerHeader(header, framing({ header: tpdu, answer: 'own' }))).toEqual(tpdu);
  });

  it('refuses to write what is longer with its header than a frame may be', () => {
    const message = Buffer.alloc(FRAME_MAX - 4);
    expect(() => frameAll([{ header: tpdu, message }], framing({ header: tpdu }))).toThrow(Fault);
  });

  it.each(['binary-2', 'ascii-4', 'bcd-2'] as const)(
    'any bytes are cut or refused: %s',
    (length) => {
      fc.assert(
        fc.property(
          fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
          fc.boolean(),
          (chunks, countsItself) => {
            const reader = new FrameReader(framing({ length, countsItself, header: tpdu }));
            try {
              for (const chunk of chunks)
                for (const frame of reader.push(Buffer.from(chunk))) {
                  expect(frame.length).toBeGreaterThanOrEqual(tpdu.length);
                  expect(frame.length).toBeLessThanOrEqual(FRAME_MAX);
                }
            } catch (error) {
              expect(error).toBeInstanceOf(Fault);
            }
          },
        ),
        { numRuns: 500 },
      );
    },
  );
});
