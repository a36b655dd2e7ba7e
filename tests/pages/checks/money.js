// Amounts as people read and write them; integers in, integers out.

import { decimals, money, parseAmount, plain, sign } from "/static/js/ui/money.js";
import { equal } from "./check.js";

export const checks = {
  "whole amounts show no decimals, others all of them"() {
    equal(money(5800, "USD", "en-US"), "$58");
    equal(money(5850, "USD", "en-US"), "$58.50");
    equal(money(123456700, "USD", "en-US"), "$1,234,567");
    equal(money(500, "JPY", "en-US"), "¥500");
    equal(money(1500, "KWD", "en-US").replace(/\s/, " "), "KWD 1.500");
    equal(sign("EUR", "en-US"), "€");
  },
  "what people type is read without a float"() {
    const rows = [
      ["58", 5800], ["58.5", 5850], ["58,50", 5850], ["$1,200", 120000], ["0.29", 29], [" 7 ", 700], ["12 USD", 1200], ["5.", 500],
      ["1,234.56", 123456], ["1,234,567", 123456700], ["1 200", 120000], ["", null], ["abc", null], ["-5", null], ["1.200", null],
      ["58.505", null], ["5 + 5", null], ["1e5", null], ["1,2,3", null], ["12,34,567.00", null], [".50", null],
    ];
    for (const [text, minor] of rows) equal(parseAmount(text, "USD", "en-US"), minor, text);
    equal(parseAmount("1.200", "EUR", "de-DE"), 120000);
    equal(parseAmount("1.234,56", "EUR", "de-DE"), 123456);
    equal(parseAmount("500", "JPY", "en-US"), 500);
    equal(parseAmount("1.500", "KWD", "en-US"), 1500);
    equal(parseAmount("99999999999999999999", "USD"), null);
  },
  "what is read is what was shown"() {
    for (const currency of ["USD", "JPY", "KWD"]) {
      for (const minor of [1, 29, 100, 5850, 99999, 1000000]) equal(parseAmount(plain(minor, currency), currency), minor, `${minor} ${currency}`);
    }
    equal([decimals("USD"), decimals("JPY"), decimals("BHD")], [2, 0, 3]);
  },
};
