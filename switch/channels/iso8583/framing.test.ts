import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../../../kernel/fault.ts';
import { FRAME_MAX, FrameReader, frameMessages } from './framing.ts';

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
