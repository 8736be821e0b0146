"""Templates in XLSX: openpyxl reads and fills one in, `submit` takes it and names a bad cell.

    python check_sheets.py ORELEDGER HOME WORK
"""

import subprocess
import sys
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

MEMBER = "mine-operator-au"


def main(oreledger, home, work):
    file = Path(work) / "lots.xlsx"

    def run(*arguments):
        command = [oreledger, "--home", home, "--as", MEMBER, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    made = run("template", "commission", "--xlsx", "--out", str(file))
    assert made.returncode == 0, made.stderr
    book = load_workbook(file)
    assert book.sheetnames == ["commission", "#example commission", "#codes"], book.sheetnames
    sheet, example = book["commission"], book["#example commission"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    assert [cell.value for cell in example[1]] == list(columns), "the example has other columns"
    lists = {str(it.sqref).split(":")[0]: it.formula1 for it in sheet.data_validations.dataValidation}
    assert '"KGM,TNE,GRM,MGM,DT,APZ,LBR"' == lists[f"{get_column_letter(columns['unit'])}2"], lists
    assert all(sheet.cell(1, column).comment for column in columns.values()), "a column without a note"

    # As it is, nothing is handed in.
    empty = run("submit", str(file))
    assert empty.returncode == 0 and not empty.stdout, (empty.stdout, empty.stderr)

    for row, (number, mass) in [(2, ("XL-1", 5200.25)), (3, ("XL-2", "thirteen"))]:
        for name, column in columns.items():
            value = example.cell(2, column).value
            value = {"lot": f"{MEMBER}/{number}", "mass": mass, "facility": f"{MEMBER}/pilgangoora",
                     "attestations": None, "tags": f"TAG-{number}", "origin country": "AU"}.get(name, value)
            sheet.cell(row, column).value = number if name == "commission" else value
    book.save(file)
    bad = f"{get_column_letter(columns['mass'])}3"
    mixed = run("submit", str(file))
    assert mixed.returncode == 1, (mixed.stdout, mixed.stderr)
    assert f'sheet "commission", cell {bad}, mass: ' in mixed.stderr, mixed.stderr
    assert mixed.stdout.startswith('sheet "commission", row 2\t'), mixed.stdout
    sheet[bad].value = 13
    book.save(file)
    again = run("submit", str(file))
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith('sheet "commission", row 3\t') and again.stdout.count("\n") == 1, again.stdout
    shown = run("lot", "show", f"{MEMBER}/XL-1", "--json").stdout
    # 5,200.25 kg wet at 3.2 % moisture, to the milligram.
    assert '"created_dry_mg": 5033842000' in shown, shown
    print(f"sheets: a template was filled in, cell {bad} was named, and what was right went in once")


if __name__ == "__main__":
    main(*sys.argv[1:])
