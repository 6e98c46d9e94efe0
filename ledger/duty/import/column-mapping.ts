/**
 * Where the columns of a table stand in a file. Our own files name them as we do; a Collector's file has its own
 * headings, its own words for classes and units, and leaves out what is the same for the whole file.
 */
import { z } from 'zod';

const words = z.record(z.string().min(1).max(80), z.string().max(400));

/** How a Collector's file says what our columns say. */
export const columnMappingSchema = z.strictObject({
  /** Our column → heading in the file. */
  columns: words,
  /** Our column → what every row says. */
  constants: words.optional(),
  /** Our column → word in the file → our word: `{"unit": {"Per Marla": "marla"}}`. */
  values: z.record(z.string().min(1).max(80), words).optional(),
  /** Line of the headings; the first line with text when absent. */
  headerLine: z.int().min(1).max(100).optional(),
  /** Name of the sheet of a workbook; the first when absent. */
  sheet: z.string().min(1).max(80).optional(),
});

export type ColumnMapping = z.infer<typeof columnMappingSchema>;

/** Finds our columns in the cells of a record. */
export interface CellFinder {
  /** True when a mapping says where the columns are. */
  readonly isMapped: boolean;
  /** The cell of one of our columns, in our words; empty when the file has none. */
  cell(cells: readonly string[], column: string): string;
  /** The heading in the file, for a message about the column. */
  headingOf(column: string): string;
}

/** What a table asks of its columns. */
export interface ColumnShape {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** Required columns that are made from others where a mapping does not name them. */
  readonly derived?: readonly string[];
}

export interface HeaderProblem {
  readonly column: string;
  readonly reason: string;
}

const folded = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();

function ownHeader(
  header: readonly string[],
  shape: ColumnShape,
): { readonly finder: CellFinder; readonly problems: readonly HeaderProblem[] } {
  const problems: HeaderProblem[] = [];
  for (const column of shape.required) {
    if (!header.includes(column)) problems.push({ column, reason: 'the column is missing' });
  }
  for (const [index, column] of header.entries()) {
    if (!shape.required.includes(column) && !shape.optional.includes(column)) {
      problems.push({ column, reason: 'the column is not known' });
    } else if (header.indexOf(column) !== index) {
      problems.push({ column, reason: 'the column comes twice' });
    }
  }
  const at = new Map(header.map((column, index) => [column, index]));
  const finder: CellFinder = {
    isMapped: false,
    cell: (cells, column) => {
      const index = at.get(column);
      return index === undefined ? '' : (cells[index] ?? '');
    },
    headingOf: (column) => column,
  };
  return { finder, problems };
}

/** Places of our columns in a file with headings of its own. */
function mappedPlaces(
  header: readonly string[],
  shape: ColumnShape,
  mapping: ColumnMapping,
): { readonly at: Map<string, number>; readonly problems: readonly HeaderProblem[] } {
  const problems: HeaderProblem[] = [];
  const headings = header.map(folded);
  const at = new Map<string, number>();
  const known = [...shape.required, ...shape.optional];
  for (const [column, heading] of Object.entries(mapping.columns)) {
    const index = headings.indexOf(folded(heading));
    if (!known.includes(column)) {
      problems.push({ column, reason: 'the mapping names a column that the table does not have' });
    } else if (index === -1) {
      problems.push({ column: heading, reason: 'the file has no column with this heading' });
    } else if (headings.lastIndexOf(folded(heading)) !== index) {
      problems.push({ column: heading, reason: 'the file has this heading twice' });
    } else at.set(column, index);
  }
  for (const column of Object.keys(mapping.constants ?? {})) {
    if (!known.includes(column)) {
      problems.push({ column, reason: 'the mapping names a column that the table does not have' });
    } else if (column in mapping.columns) {
      problems.push({ column, reason: 'the mapping has both a heading and a constant for it' });
    }
  }
  for (const column of shape.required) {
    if (shape.derived?.includes(column) === true) continue;
    if (!(column in mapping.columns) && !Object.hasOwn(mapping.constants ?? {}, column)) {
      problems.push({ column, reason: 'the mapping does not say where this column is' });
    }
  }
  return { at, problems };
}

/**
 * Finds our columns in a header line. Without a mapping the file must have exactly our columns, in any order.
 * With one, headings are compared without regard to case and spacing, and other columns are left alone.
 */
export function findColumns(
  header: readonly string[],
  shape: ColumnShape,
  mapping?: ColumnMapping,
): { readonly finder: CellFinder; readonly problems: readonly HeaderProblem[] } {
  if (mapping === undefined) return ownHeader(header, shape);
  const { at, problems } = mappedPlaces(header, shape, mapping);
  const constants = new Map(Object.entries(mapping.constants ?? {}));
  const values = new Map(
    Object.entries(mapping.values ?? {}).map(([column, own]) => [
      column,
      new Map(Object.entries(own).map(([theirs, ours]) => [folded(theirs), ours])),
    ]),
  );
  const finder: CellFinder = {
    isMapped: true,
    cell(cells, column) {
      const index = at.get(column);
      const stated = index === undefined ? constants.get(column) : cells[index];
      if (stated === undefined) return '';
      return values.get(column)?.get(folded(stated)) ?? stated;
    },
    headingOf: (column) => mapping.columns[column] ?? column,
  };
  return { finder, problems };
}
