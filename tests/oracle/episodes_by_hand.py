"""A slow second opinion on a region's truth: the working definition of episode construction, line by line, in plain loops.

Written from the definition's text for tests on small regions; it shares no code with the generator or the engine.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

WHOLE = {"inpatient", "snf", "home_health", "hospice"}
DAY = dt.timedelta(days=1)


def expected(lists, lines, diagnoses, enrollment, beneficiaries, data_end):
    """{(cohort, tin, beneficiary, start): (end, reason, {npi: (lines, all, attributed)}, {(category, setting): cents})}."""
    headers = defaultdict(list)
    for row in sorted(diagnoses, key=lambda row: row["position"]):
        headers[row["beneficiary"], row["claim_id"]].append(row["code"])
    by_person = defaultdict(list)
    for row in lines:
        row = dict(row, header=headers[row["beneficiary"], row["claim_id"]])
        by_person[row["beneficiary"]].append(row)
    months = defaultdict(dict)
    for row in enrollment:
        months[row["beneficiary"]][row["month"]] = row
    people = {row["beneficiary"]: row for row in beneficiaries}
    found = {}
    for cohort in (lists.heart_failure, lists.low_back_pain):
        for person, rows in by_person.items():
            qualifying = defaultdict(list)
            for row in rows:
                carries = {*row["header"], row["line_diagnosis"]} & set(cohort.trigger_diagnoses)
                codes = {*cohort.trigger_services, *cohort.confirming_services}
                if row["setting"] == "professional" and row["tin"] and row["hcpcs"] in codes and carries:
                    qualifying[row["tin"]].append(row)
            for tin, mine in qualifying.items():
                for first, last in windows(cohort, mine):
                    for start, end in cut(cohort, first, last, data_end):
                        found[cohort.cohort, tin, person, start] = (
                            end,
                            *judged(cohort, mine, rows, start, end, people[person], months[person]),
                            costs(cohort, rows, start, end),
                        )
    return found


def windows(cohort, lines):
    days = sorted({row["from_date"] for row in lines})
    triggers = sorted({row["from_date"] for row in lines if row["hcpcs"] in cohort.trigger_services})
    confirms = {row["from_date"] for row in lines if row["hcpcs"] in cohort.confirming_services}
    after = dt.date.min
    while True:
        opening = [
            day
            for day in triggers
            if day > after and any(day + k * DAY in confirms for k in range(1, cohort.confirm_days + 1))
        ]
        if not opening:
            return
        first = opening[0]
        last = first + (cohort.window_days - 1) * DAY
        for day in days:
            if first <= day <= last:
                last = max(last, day + (cohort.window_days - 1) * DAY)
        yield first, last
        after = last


def cut(cohort, first, last, data_end):
    length = cohort.episode_days
    count = max(1, ((last - first).days + 1) // length)
    for number in range(count):
        start = first + number * length * DAY
        end = start + (length - 1) * DAY
        if last <= data_end:
            yield start, (last if number == count - 1 else end)
        elif end <= data_end:
            yield start, end


def judged(cohort, mine, rows, start, end, person, months):
    inside = [row for row in mine if start <= row["from_date"] <= end]
    shares = {}
    for npi in {row["npi"] for row in inside if row["npi"]}:
        count = sum(row["npi"] == npi for row in inside)
        prior = any(row["npi"] == npi and start - cohort.prior_days * DAY <= row["from_date"] <= start for row in mine)
        good = cohort.share_denominator * count >= cohort.share_numerator * len(inside) and prior
        shares[npi] = (count, len(inside), good)
    return reason(cohort, rows, start, end, person, months), shares


def reason(cohort, rows, start, end, person, months):
    born = person["birth_date"]
    if born is None:
        return "no_birth_date"
    if start.year - born.year - ((start.month, start.day) < (born.month, born.day)) < cohort.minimum_age:
        return "under_age"
    needed, month = [], (start - cohort.lookback_days * DAY).replace(day=1)
    while month <= end:
        needed.append(months.get(month))
        month = (month + 31 * DAY).replace(day=1)
    if any(row is None or not (row["part_a"] and row["part_b"]) for row in needed):
        return "not_in_parts_a_and_b"
    if any(row["part_c"] for row in needed):
        return "part_c"
    if person["death_date"] and start <= person["death_date"] <= end:
        return "death"
    if not person["county_fips"] or int(person["county_fips"][:2]) > 56:
        return "residence"
    claims = defaultdict(list)
    for row in rows:
        claims[row["claim_id"]].append(row)
    for rule in cohort.exclusions:
        for claim in claims.values():
            day = claim[0]["from_date"]
            timely = start <= day <= end if rule.days_before is None else start - rule.days_before * DAY <= day < start
            carried = (
                claim[0]["header"][:1] if rule.primary else [*claim[0]["header"], *(r["line_diagnosis"] for r in claim)]
            )
            if (
                timely
                and claim[0]["setting"] in rule.settings
                and all(code in carried for code in rule.diagnoses)
                and all(
                    any(code in (r["hcpcs"], r["drg"], r["ndc"], r["revenue_center"]) for r in claim)
                    for code in rule.services
                )
            ):
                return rule.name
    if (end - start).days + 1 < cohort.minimum_days:
        return "too_short"
    return None


def costs(cohort, rows, start, end):
    total = defaultdict(int)
    for row in rows:
        if start <= row["from_date"] <= end:
            code = row["drg"] or row["ndc"] or row["hcpcs"] or ""
            carried = [*row["header"], *filter(None, [row["line_diagnosis"]])]
            category = cohort.category(setting=row["setting"], code=code, diagnoses=carried)
            if category is not None:
                total[category, row["setting"]] += row["cost_cents"]
    return dict(total)
