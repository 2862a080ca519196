/** Table: what was measured, for people. */
import { ratioOf, type Result } from "./measure.ts";
import type { Question, Row } from "./question.ts";

export function formatResult(question: Question, result: Result): string {
  const names = Object.keys(result.medians);
  const head = ["", ...names, "ratio", "wanted", ""];
  const lines = question.rows.map((row) => {
    const ratio = ratioOf(result, row.name);
    return [
      row.name,
      ...names.map((name) => formatFigure(result.medians[name]?.[row.name], row.unit)),
      ratio === undefined ? "" : ratio.toFixed(2),
      row.wanted === undefined ? "" : `${row.isMoreBetter ? "≥" : "≤"} ${row.wanted}`,
      ratio === undefined || row.wanted === undefined ? "" : isMet(row, ratio) ? "met" : "not met",
    ];
  });
  const table = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...table.map((line) => Bun.stringWidth(line[column] ?? ""))));
  const pad = (text: string, column: number): string => {
    const space = " ".repeat((widths[column] ?? 0) - Bun.stringWidth(text));
    return column === 0 ? text + space : space + text;
  };
  return table.map((line) => `  ${line.map(pad).join("  ")}`.trimEnd()).join("\n");
}

export function isMet({ isMoreBetter, wanted }: Row, ratio: number): boolean {
  return wanted === undefined || (isMoreBetter ? ratio >= wanted : ratio <= wanted);
}

function formatFigure(value: number | undefined, unit: string): string {
  if (value === undefined || Number.isNaN(value)) return "";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toLocaleString("en-US", { maximumFractionDigits: digits })} ${unit}`;
}
