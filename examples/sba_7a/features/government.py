"""Who is the borrower, as filed with the application? 政务：企业登记"""

from riskengine.profile import code, count, is_missing, latest

_OWN = "application"

borrower_name = latest("borrowers.Name", by=_OWN).named("Borrower", "借款企业")
city = latest("borrowers.City", by=_OWN).named("City", "城市")
industry_code = latest("borrowers.NAICS", by=_OWN).named("Industry code (NAICS)", "行业代码")
sector = latest("borrowers.sector", by=_OWN).named("Industry sector (NAICS, two digits)", "行业门类")
state = latest("borrowers.State", by=_OWN).named("State", "所在州")

employees = latest("borrowers.NoEmp", by=_OWN).named("Employees", "员工人数", unit="persons", direction=-1)
new_business = code(latest("borrowers.NewExist", by=_OWN), {"1": 0, "2": 1}).named("New business (two years old or less)", "新设企业（两年以内）", unit="yes/no", direction=1)
franchise = (latest("borrowers.FranchiseCode", by=_OWN) > 1).named("Franchise", "特许经营", unit="yes/no")
urban = code(latest("borrowers.UrbanRural", by=_OWN), {"1": 1, "2": 0}).named("Urban", "城镇", unit="yes/no")
rural = code(latest("borrowers.UrbanRural", by=_OWN), {"2": 1}, other=0).named("Rural", "乡村", unit="yes/no", direction=-1)
sector_unknown = is_missing(sector).named("Industry not stated", "行业未填报", unit="yes/no")
borrower_filings = count("borrowers", by="enterprise").named("Filings of this borrower so far", "该企业历次登记", unit="filings")
