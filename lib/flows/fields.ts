import { toPointer } from "../define-workflow.ts";
import type { Fault } from "../errors.ts";
import type { Validation } from "../workflow.ts";
import { isRecord } from "./fault.ts";
import {
  FAULTS_MAX,
  type FieldType,
  findTypeFaults,
  type TypeForm,
  typeOf,
  typeOfForm,
  typeText,
} from "./field-type.ts";

/** The values of a flow's fields; one that nothing has filled yet is absent. */
export type State = Readonly<Record<string, unknown>>;

/** A field of the state as a file writes it: inputs fill it, nodes write it, templates read it. */
export interface FieldForm extends TypeForm {
  readonly required?: boolean;
  /** null for a field that may be null. */
  readonly default?: unknown;
  /** Where a delivery's value stands: CEL over `event`, `headers` and `body`, such as `body.ref`. */
  readonly from?: string;
}

/** A declared field. */
export interface Field {
  readonly type: FieldType;
  readonly isRequired: boolean;
  /** True where its default is null: then null fits, too. */
  readonly isNullable: boolean;
  /** undefined where it has none. */
  readonly default: unknown;
}

/** The declared fields by name. */
export type Fields = ReadonlyMap<string, Field>;

/** The fields of a flow; one whose type is not known takes anything, so that it is refused once and not at each use. */
export function parseFields(forms: Readonly<Record<string, FieldForm>>): Fields {
  return new Map(Object.entries(forms).map(([name, form]) => [name, parseField(form)]));
}

function parseField(form: FieldForm): Field {
  return {
    type: typeOfForm(form),
    isRequired: form.required === true,
    isNullable: form.default === null,
    default: form.default,
  };
}

/** Where a value does not fit a field; at most `FAULTS_MAX`, without the value. */
export function fieldFaults(field: Field, value: unknown, path: readonly PropertyKey[] = []): Fault[] {
  const faults: Fault[] = [];
  if (value !== null || !field.isNullable) findTypeFaults(field.type, value, path, faults);
  return faults;
}

/**
 * The inputs as the first state, with defaults filled in, or what is wrong with them. Nothing is coerced.
 *
 * @returns faults with pointers into the inputs, at most `FAULTS_MAX`, never with a value
 */
export function initialState(fields: Fields, inputs: unknown): Validation<State> {
  if (!isRecord(inputs)) {
    return { faults: [{ pointer: "", detail: `Expected an object of inputs, found ${typeOf(inputs)}` }] };
  }
  const faults: Fault[] = [];
  const state = fillState(fields, faults, (name) => (Object.hasOwn(inputs, name) ? inputs[name] : undefined));
  for (const name of Object.keys(inputs)) {
    if (faults.length >= FAULTS_MAX) break;
    if (!fields.has(name)) {
      const known = [...fields.keys()].join(", ");
      faults.push({ pointer: toPointer([name]), detail: `Unknown input: the flow takes ${known || "none"}` });
    }
  }
  return faults.length > 0 ? { faults } : { value: state };
}

/**
 * The state that a look at each field gives.
 *
 * @param faults those of values that do not fit are added
 * @param find undefined for none
 */
export function fillState(fields: Fields, faults: Fault[], find: (name: string) => unknown): State {
  const state: [string, unknown][] = [];
  for (const [name, field] of fields) {
    const value = find(name);
    if (value !== undefined) {
      if (faults.length < FAULTS_MAX) faults.push(...fieldFaults(field, value, [name]));
      state.push([name, value]);
    } else if (field.isRequired) {
      const detail = `Expected ${typeText(field.type)}, found nothing`;
      faults.push({ pointer: toPointer([name]), detail });
    } else if (field.default !== undefined) {
      state.push([name, field.default]);
    }
  }
  return Object.fromEntries(state);
}
