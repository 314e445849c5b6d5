"""Private elements known to hold only numbers (PS3.15 table E.3.10-1 and statements of vendors).

Listed by private creator, group and the last two hex digits of the element. Only numbers stay,
whatever a file has there. Elements of text, such as the name of a pulse sequence, are not in the list:
a number in one of them is not what the element is for, and may be anything.
"""

SAFE_PRIVATE = frozenset(
    {
        ("SIEMENS MR HEADER", 0x0019, 0x0A),  # number of images in a mosaic
        ("SIEMENS MR HEADER", 0x0019, 0x0B),  # slice measurement duration
        ("SIEMENS MR HEADER", 0x0019, 0x0C),  # b-value
        ("SIEMENS MR HEADER", 0x0019, 0x0E),  # diffusion gradient direction
        ("SIEMENS MR HEADER", 0x0019, 0x27),  # b-matrix
        ("SIEMENS MR HEADER", 0x0019, 0x28),  # bandwidth per pixel in phase encoding direction
        ("SIEMENS MR HEADER", 0x0019, 0x29),  # slice timing
        ("GEMS_ACQU_01", 0x0019, 0x23),  # table speed
        ("GEMS_ACQU_01", 0x0019, 0x24),  # mid scan time, in seconds of the scan
        ("GEMS_ACQU_01", 0x0019, 0x27),  # rotation speed
        ("GEMS_ACQU_01", 0x0019, 0xBB),  # user data 20 to 22: diffusion direction x, y and z
        ("GEMS_ACQU_01", 0x0019, 0xBC),
        ("GEMS_ACQU_01", 0x0019, 0xBD),
        ("GEMS_PARM_01", 0x0043, 0x39),  # b-value
        ("GEMS_PARM_01", 0x0043, 0x6F),  # scanner table entry
        ("GEMS_HELIOS_01", 0x0045, 0x01),  # number of macro rows in detector
        ("GEMS_HELIOS_01", 0x0045, 0x02),  # macro width at iso-centre
        ("PHILIPS IMAGING DD 001", 0x2001, 0x03),  # b-factor
        ("PHILIPS IMAGING DD 001", 0x2001, 0x0A),  # slice number
        ("PHILIPS IMAGING DD 001", 0x2001, 0x18),  # number of slices
        ("PHILIPS MR IMAGING DD 001", 0x2005, 0x0D),  # scale intercept
        ("PHILIPS MR IMAGING DD 001", 0x2005, 0x0E),  # scale slope
        ("PHILIPS PET PRIVATE GROUP", 0x7053, 0x00),  # SUV factor
        ("PHILIPS PET PRIVATE GROUP", 0x7053, 0x09),  # activity concentration factor
        ("TOSHIBA_MEC_CT3", 0x7005, 0x23),  # pitch factor
    }
)
NUMERIC_VRS = frozenset(["DS", "IS", "FD", "FL", "US", "SS", "UL", "SL", "UV", "SV"])
